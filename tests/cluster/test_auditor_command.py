"""`rollcall verify` as it is typed: exit codes, table, JSON; and that it only reads."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from typer import Typer
from typer.testing import CliRunner, Result

from rollcall_cluster.auditor import AuditReport, AuditTarget, CannotAuditError, command, verify
from rollcall_cluster.auditor.command import verify_command
from rollcall_cluster.auditor.database import open_database
from rollcall_cluster.embedded import EmbeddedServers
from tests.cluster.hang_up import heed_hang_up
from tests.eventually import eventually
from tests.unit.auditor.clean import OPEN, clean_world
from tests.unit.auditor.deployment import AT_ONCE, Deployment
from tests.unit.auditor.events import content
from tests.unit.auditor.world import GROUP


@pytest.fixture
def deployment(servers: EmbeddedServers, database: str, topic_prefix: str) -> Deployment:
    """An empty deployment of this test's own."""
    return Deployment(servers.kafka.address, database, topic_prefix)


async def _run(deployment: Deployment, *options: str, **environment: str) -> Result:
    app = Typer()
    app.command()(verify_command)
    env = _environment(deployment) | environment
    arguments = ["--wait-seconds", "0", *options]
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, env=env)


def _environment(deployment: Deployment) -> dict[str, str]:
    return {
        "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": deployment.kafka,
        "ROLLCALL_POSTGRES_DSN": deployment.database,
        "ROLLCALL_TOPIC_PREFIX": deployment.prefix,
        "ROLLCALL_CONSUMER_GROUP": GROUP,
    }


async def test_a_clean_deployment_exits_0_with_a_table(deployment: Deployment):
    """Every invariant is a row."""
    await deployment.load(clean_world(deployment.prefix).finish(), constrained=True)
    result = await _run(deployment, COLUMNS="200")
    assert result.exit_code == 0, result.output
    assert "content-nowhere" in result.output
    assert "0 violations" in result.output


async def test_a_violation_exits_1_and_is_told(deployment: Deployment):
    """With its example, in the table and in JSON."""
    world = clean_world(deployment.prefix)
    lost = world.take_in(content(OPEN, "lost"))
    await deployment.load(world.finish())
    result = await _run(deployment, COLUMNS="300")
    assert result.exit_code == 1
    assert f"content lost of batch {OPEN}: neither slot nor excess nor pending" in result.output
    result = await _run(deployment, "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["ok"], report["violations"]) == (1, False, 1)
    (check,) = (check for check in report["checks"] if check["violations"])
    assert check["code"] == "content-nowhere"
    (sighting,) = check["examples"][0]["evidence"]
    assert sighting["place"] == {
        "topic": deployment.prefix + lost.topic,
        "partition": lost.partition,
        "offset": lost.offset,
    }


async def test_options_name_another_deployment_than_the_environment(deployment: Deployment):
    """What is typed wins over what the environment says."""
    result = await _run(
        deployment, "--topic-prefix", deployment.prefix, ROLLCALL_TOPIC_PREFIX="nowhere."
    )
    assert result.exit_code == 0, result.output


async def test_motion_exits_2_when_rest_is_required(deployment: Deployment):
    """It could not be checked."""
    world = clean_world(deployment.prefix).finish()
    world.tables["segment"].append({"lane": 0, "event_count": 1, "payload": b"x"})
    await deployment.load(world)
    result = await _run(deployment, "--at-rest")
    assert result.exit_code == 2
    assert "not at rest after 0 s" in result.stderr


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("ROLLCALL_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1", "check ROLLCALL_KAFKA_BOOTSTRAP"),
        ("ROLLCALL_POSTGRES_DSN", "postgresql://nobody@127.0.0.1:1/x", "check ROLLCALL_POSTGRES"),
        ("ROLLCALL_DATABASE_SCHEMA", "elsewhere", "check ROLLCALL_DATABASE_SCHEMA"),
        ("ROLLCALL_TOPIC_PREFIX", "elsewhere.", "check the topic prefix"),
        ("ROLLCALL_RECORD_MAX_BYTES", "many", "ROLLCALL_RECORD_MAX_BYTES"),
        ("ROLLCALL_KAFKA_BOOTSTRAP_SERVERS", "a:b:c", "SERVERS: Value error, must be host:port"),
    ],
)
async def test_what_cannot_be_checked_exits_2_with_a_remedy(
    deployment: Deployment, variable: str, value: str, remedy: str
):
    """Neither 0 nor 1: nothing is known."""
    result = await _run(deployment, **{variable: value})
    assert result.exit_code == 2, result.output
    assert remedy in result.stderr


async def test_a_group_without_positions_exits_2_where_others_have_some(deployment: Deployment):
    """Nothing is wrong with the deployment: its group has another name."""
    await deployment.load(clean_world(deployment.prefix).finish(), constrained=True)
    result = await _run(deployment, "--consumer-group", "auditde")
    assert result.exit_code == 2, result.output
    assert f"'auditde' has no positions; those that have: {GROUP}" in result.stderr


async def test_a_defect_exits_2(deployment: Deployment, monkeypatch: pytest.MonkeyPatch):
    """1 says that something is violated, which nobody knows then."""

    async def broken(*_: object) -> AuditReport:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(command, "verify", broken)
    result = await _run(deployment)
    assert result.exit_code == 2
    assert result.stderr == "could not check: ZeroDivisionError: planted\n"


def _started(deployment: Deployment, *options: str, **environment: str) -> subprocess.Popen[str]:
    """`rollcall verify` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "from rollcall_cluster.cli import main; main()", "verify", *options],
        env={**os.environ, **_environment(deployment), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_hang_up,
    )


async def test_an_output_that_cannot_take_every_character_takes_the_rest(deployment: Deployment):
    """The table is cut short by a character that ASCII has not."""
    await deployment.load(clean_world(deployment.prefix).finish(), constrained=True)
    process = _started(deployment, PYTHONIOENCODING="ascii", COLUMNS="80")
    told, error = await asyncio.to_thread(process.communicate)
    assert (process.returncode, error) == (0, "")
    assert "0 violations" in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_an_audit_that_is_ended_leaves_no_scratch_directory(
    deployment: Deployment, tmp_path: Path, number: signal.Signals
):
    """It goes however the audit ends; what clients that are cut short say of it is theirs."""
    world = clean_world(deployment.prefix).finish()
    world.tables["segment"].append({"lane": 0, "event_count": 1, "payload": b"x"})
    await deployment.load(world)
    options = ("--wait-seconds", "600", "--scratch-directory", str(tmp_path))
    process = _started(deployment, *options)
    try:
        await eventually(lambda: os.listdir(tmp_path), message="the audit has begun")
        process.send_signal(number)
        _, error = await asyncio.to_thread(process.communicate)
    finally:
        process.kill()
    assert process.returncode == 128 + number, error
    assert "could not check" not in error
    assert os.listdir(tmp_path) == []


async def test_a_positions_topic_that_is_gone_exits_2(deployment: Deployment):
    """Without it lanes publish nothing, and nobody can tell what they have published."""
    await deployment.load(clean_world(deployment.prefix).finish(), constrained=True)
    positions = f"{deployment.prefix}els.relay.positions.v1"
    admin = AIOKafkaAdminClient(bootstrap_servers=deployment.kafka)
    await admin.start()
    try:
        await admin.delete_topics([positions])

        async def gone() -> bool:
            return positions not in await admin.list_topics()

        await eventually(gone, message=f"{positions} is gone")
    finally:
        await admin.close()
    result = await _run(deployment)
    assert result.exit_code == 2, result.output
    assert f"topics missing on the cluster: {positions}" in result.stderr


async def _seen(deployment: Deployment) -> tuple[set[str], set[str], int]:
    """Topics and groups of the cluster, relations of the database."""
    admin = AIOKafkaAdminClient(bootstrap_servers=deployment.kafka)
    await admin.start()
    try:
        topics = {t for t in await admin.list_topics() if t.startswith(deployment.prefix)}
        groups = {name for name, _ in await admin.list_consumer_groups()}
    finally:
        await admin.close()
    async with deployment.connection() as connection:
        relations = await connection.fetchval("SELECT count(*) FROM pg_class")
    return topics, {g for g in groups if "verify" in g or g == GROUP}, relations


async def test_an_audit_leaves_nothing_behind(deployment: Deployment):
    """No topic, no group, no table, and no server-side temporary one."""
    await deployment.load(clean_world(deployment.prefix).finish(), constrained=True)
    before = await _seen(deployment)
    await deployment.audit()
    nowhere = deployment.target.model_copy(update={"topic_prefix": f"{deployment.prefix}no."})
    with pytest.raises(CannotAuditError):
        await verify(nowhere, AT_ONCE)
    assert await _seen(deployment) == before


async def test_the_database_connection_cannot_write(deployment: Deployment):
    """Not even outside the snapshot's transaction."""
    async with open_database(deployment.target) as database:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await database._connection.execute("DELETE FROM els.slot")


async def test_the_scratch_database_goes_where_it_is_told_and_is_removed(
    deployment: Deployment, tmp_path
):
    """Whatever the audit's end."""
    await deployment.audit(replace(AT_ONCE, scratch_directory=tmp_path))
    assert list(tmp_path.iterdir()) == []
    unreachable = AuditTarget(kafka_bootstrap_servers="127.0.0.1:1")
    with pytest.raises(CannotAuditError):
        await verify(unreachable, replace(AT_ONCE, scratch_directory=tmp_path))
    assert list(tmp_path.iterdir()) == []
