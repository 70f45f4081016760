"""Reading with several processes finds what reading with one finds."""

from dataclasses import replace
from pathlib import Path

import pytest

from rollcall_cluster.auditor import CannotAuditError
from rollcall_cluster.auditor.log_reading import Reach
from rollcall_cluster.auditor.progress import Silent
from rollcall_cluster.auditor.scratch import Scratch
from rollcall_cluster.auditor.shard import ShardJob
from rollcall_cluster.auditor.workers import run_shards
from rollcall_cluster.embedded import EmbeddedServers
from tests.unit.auditor.clean import clean_world
from tests.unit.auditor.deployment import AT_ONCE, CONTENT_TOPIC, Deployment, told
from tests.unit.auditor.plants import PLANTS

IN_PROCESSES = replace(AT_ONCE, workers=2)
# Each needs facts of its own table from the readers.
_SOME = (
    "content_nowhere",
    "undecodable_passed_over",
    "contradiction_passed_over",
    "dead_letter_without_row",
    "list_mixes_up_essays",
    "segment_published_twice",
    "output_without_place",
    "completion_before_a_slot_event",
)


@pytest.fixture
def deployment(servers: EmbeddedServers, database: str, topic_prefix: str) -> Deployment:
    """An empty deployment of this test's own."""
    return Deployment(servers.kafka.address, database, topic_prefix)


async def test_several_processes_read_what_one_reads(deployment: Deployment):
    """Same counts of everything, and no violation."""
    await deployment.load(clean_world(deployment.prefix).finish(), constrained=True)
    alone, together = await deployment.audit(), await deployment.audit(IN_PROCESSES)
    assert told(together) == {}
    assert (together.checks, together.logs) == (alone.checks, alone.logs)


@pytest.mark.parametrize("name", _SOME)
async def test_what_several_processes_find(deployment: Deployment, name: str):
    """Violations are found across the processes' shards."""
    planted = next(plant for plant in PLANTS if plant.name == name)
    await deployment.load(planted.world(deployment.prefix))
    found = told(await deployment.audit(IN_PROCESSES))
    assert set(found) == planted.found, found
    assert all(found.values())


def _job(directory: Path, servers: str) -> ShardJob:
    reach = Reach(topic=CONTENT_TOPIC, partition=0, start=0, end=1, early_end=1)
    return ShardJob(
        file=directory / "shard.sqlite",
        kafka_bootstrap_servers=servers,
        connect_timeout_seconds=2,
        topic_prefix="",
        consumer_group="group",
        record_max_bytes=1_048_576,
        partitions=((CONTENT_TOPIC, 0),),
        reaches=(reach,),
    )


async def test_a_reader_that_cannot_reach_kafka_says_so(tmp_path: Path):
    """The audit ends as one that could not be made."""
    Scratch(tmp_path / "shard.sqlite").close()
    with pytest.raises(CannotAuditError, match=r"127\.0\.0\.1:1 cannot be reached"):
        await run_shards([_job(tmp_path, "127.0.0.1:1")], Silent())


async def test_a_reader_that_dies_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Half of the facts are no facts."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(9)")
    with pytest.raises(CannotAuditError, match="status 9"):
        await run_shards([_job(tmp_path, "127.0.0.1:1")], Silent())
