"""The generator against a real Kafka: what the summary says was sent is there."""

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from rollcall_cluster.generator import (
    CannotProduceError,
    ContentStore,
    KeyStrategy,
    Kind,
    Plan,
    Summary,
    expect,
    generate,
)
from rollcall_events.topics import TOPICS
from tests.eventually import DEADLINE_SECONDS
from tests.fixtures.topics import PARTITIONS

INPUTS = [topic.name for topic in TOPICS if topic.direction == "in"]
COMMAND = (
    "import typer; from rollcall_cluster.generator.command import generate_command;"
    " typer.run(generate_command)"
)


async def records_in(bootstrap: str, prefix: str) -> list[ConsumerRecord]:
    """Everything in the input topics, partition by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [
            TopicPartition(prefix + topic, partition)
            for topic in INPUTS
            for partition in range(PARTITIONS)
        ]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: list[ConsumerRecord] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await consumer.stop()


def a_plan(**knobs: Any) -> Plan:
    return Plan(**({"seed": 4, "batches": 8, "slots": 25} | knobs))


async def test_everything_arrives(kafka_bootstrap: str, topic_prefix: str) -> None:
    """All records of a mixed plan are in their topics, the huge and the empty ones too."""
    mixed = a_plan(duplicates=0.2, excess=0.1, failures=0.1, early=0.2, malformed=0.1)
    summary = await generate(mixed, kafka_bootstrap, topic_prefix=topic_prefix)
    found = await records_in(kafka_bootstrap, topic_prefix)
    assert summary.records == len(found) == expect(mixed).records
    assert summary.expected == expect(mixed)
    assert not summary.interrupted
    sizes = [len(record.value or b"") for record in found]
    assert sum(sizes) == summary.bytes_sent
    assert max(sizes) > 2 * 2**20
    assert None in {record.value for record in found}


async def test_repeated_run_sends_the_same_bytes(kafka_bootstrap: str, topic_prefix: str) -> None:
    """A plan run twice gives every record twice."""
    repeated = a_plan(duplicates=0.3)
    for _ in range(2):
        await generate(repeated, kafka_bootstrap, topic_prefix=topic_prefix)
    once = Counter(record.value for record in await records_in(kafka_bootstrap, topic_prefix))
    assert once.total() == 2 * expect(repeated).records
    assert all(times % 2 == 0 for times in once.values())


@pytest.mark.parametrize("key", KeyStrategy)
async def test_keys_decide_partitions(
    kafka_bootstrap: str, topic_prefix: str, key: KeyStrategy
) -> None:
    """One key, one partition; without keys the records are spread over all."""
    await generate(a_plan(key=key), kafka_bootstrap, topic_prefix=topic_prefix)
    places: dict[tuple[str, bytes | None], set[int]] = {}
    for record in await records_in(kafka_bootstrap, topic_prefix):
        places.setdefault((record.topic, record.key), set()).add(record.partition)
    if key is KeyStrategy.NONE:
        assert {name for _, name in places} == {None}
        assert all(len(partitions) == PARTITIONS for partitions in places.values())
    else:
        assert all(len(partitions) == 1 for partitions in places.values())
        assert len(set.union(*places.values())) == PARTITIONS


async def test_rate_is_kept(kafka_bootstrap: str, topic_prefix: str) -> None:
    """Three hundred events at 500 a second take six tenths of a second, and are there as they go."""
    slow = a_plan(batches=12, slots=24, rate=500.0)
    began = time.perf_counter()
    summary = await generate(slow, kafka_bootstrap, topic_prefix=topic_prefix)
    assert time.perf_counter() - began >= 299 / 500
    assert summary.records == 300
    appended = [record.timestamp for record in await records_in(kafka_bootstrap, topic_prefix)]
    assert max(appended) - min(appended) >= 500


async def test_stopped_run_counts_what_is_there(kafka_bootstrap: str, topic_prefix: str) -> None:
    """A stop in the middle loses nothing that was sent, and promises nothing about the rest."""
    stop = asyncio.Event()

    def stop_after_some(sent: int) -> None:
        if sent >= 1_000:
            stop.set()

    summary = await generate(
        a_plan(batches=10_000),
        kafka_bootstrap,
        topic_prefix=topic_prefix,
        on_progress=stop_after_some,
        stop=stop,
    )
    assert summary.interrupted
    assert summary.expected is None
    assert 1_000 <= summary.records < 3_000
    assert len(await records_in(kafka_bootstrap, topic_prefix)) == summary.records


async def test_texts_are_written(kafka_bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    """Each content has its file, in the folder of its batch."""
    store = ContentStore(str(tmp_path / "content"))
    summary = await generate(
        a_plan(), kafka_bootstrap, topic_prefix=topic_prefix, content_store=store
    )
    files = list((tmp_path / "content").glob("*/text-*.txt"))
    assert len(files) == summary.essays_written == summary.sent[Kind.CONTENT] == 200
    assert len({file.parent for file in files}) == 8


async def test_missing_topic_is_an_error_with_a_remedy(kafka_bootstrap: str) -> None:
    """A forgotten prefix is told, with what creates the topics."""
    with pytest.raises(CannotProduceError, match=r"topic none-such\.batch.* is not in Kafka at"):
        await generate(a_plan(), kafka_bootstrap, topic_prefix="none-such.")


async def test_unreachable_kafka_is_an_error_with_a_remedy(unused_tcp_port: int) -> None:
    """No Kafka is told with its address."""
    with pytest.raises(
        CannotProduceError, match=f"cannot reach Kafka at 127.0.0.1:{unused_tcp_port}"
    ):
        await generate(a_plan(), f"127.0.0.1:{unused_tcp_port}")


@pytest.fixture
async def running_command(
    kafka_bootstrap: str, topic_prefix: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`rollcall generate` with more to send than it can."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", COMMAND, "--json", "--content-store", "none", "--batches", "100000"),
        *("--rate", "2000", "--bootstrap-servers", kafka_bootstrap, "--topic-prefix", topic_prefix),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"NO_COLOR": "1"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signal_ends_the_command_cleanly(
    running_command: asyncio.subprocess.Process,
    kafka_bootstrap: str,
    topic_prefix: str,
    number: signal.Signals,
) -> None:
    """Ctrl-C and SIGTERM: what was sent is flushed and reported; the exit code tells the interruption."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(await records_in(kafka_bootstrap, topic_prefix)) < 100:
            continue
        running_command.send_signal(number)
        told, _ = await running_command.communicate()
    summary = json.loads(told)
    assert running_command.returncode == 130
    assert summary["interrupted"]
    assert summary["records"] == len(await records_in(kafka_bootstrap, topic_prefix)) >= 100


async def test_summary_tells_how_fast(kafka_bootstrap: str, topic_prefix: str) -> None:
    """The rate is events by seconds, and all of it can be written as JSON."""
    summary = await generate(a_plan(), kafka_bootstrap, topic_prefix=topic_prefix)
    assert isinstance(summary, Summary)
    assert summary.records_per_second == pytest.approx(summary.records / summary.seconds)
    assert json.loads(json.dumps(summary.as_json()))["expected"]["completions"] == 8
