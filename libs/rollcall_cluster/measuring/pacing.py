"""A process that produces a load at an even pace: `python -m rollcall_cluster.measuring.pacing`.

It prepares every record first, says "ready", waits for a line, and tells afterwards when it began and
how late it was. Records are due at fixed moments, so that a slow moment of anybody is not hidden: a
latency counts from when a record was due, not from when it could be sent.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import uvloop
from aiokafka import AIOKafkaProducer

from rollcall.access.kafka import kafka_options_at
from rollcall.outbox.publication import partition_of
from rollcall_cluster.measuring.errors import MeasurementError
from rollcall_cluster.measuring.latency import percentile
from rollcall_cluster.measuring.load import Load, Message

_PATIENCE_SECONDS = 120
# What Kafka's own producer waits for further records since version 4.0. A latency includes it.
_LINGER_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Pace:
    """What to send, where to and how fast."""

    bootstrap_servers: str
    topic: str
    rate: float
    load_name: str
    batches: int
    slots: int

    @property
    def load(self) -> Load:
        """The records."""
        return Load(self.load_name, self.batches, self.slots)

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.load.events / self.rate


@dataclass(frozen=True, slots=True)
class Paced:
    """How it went.

    Attributes:
        began_ns: the first record's moment, by the monotonic clock.
        late_ms_median: how late a record was sent.
        cpu_seconds: what sending cost; the preparation is not in it.
    """

    began_ns: int
    late_ms_median: float
    late_ms_p99: float
    cpu_seconds: float


class Pacer:
    """The process, as its starter sees it."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "rollcall_cluster.measuring.pacing", json.dumps(asdict(pace))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    async def wait_ready(self) -> None:
        """Return once every record is prepared."""
        assert self._process.stdout is not None
        line = await asyncio.to_thread(self._process.stdout.readline)
        if line.strip() != "ready":
            raise MeasurementError("the pacing producer did not start: see its output above")

    async def run(self) -> Paced:
        """Send everything."""
        limit_seconds = self._pace.seconds + _PATIENCE_SECONDS
        try:
            answer, _ = await asyncio.to_thread(
                self._process.communicate, "go\n", timeout=limit_seconds
            )
        except subprocess.TimeoutExpired as error:
            raise MeasurementError("the pacing producer took too long") from error
        if self._process.returncode != 0:
            raise MeasurementError("the pacing producer failed: see its output above")
        return Paced(**json.loads(answer))

    def close(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._process.wait()


async def _produce(pace: Pace) -> Paced:
    producer = AIOKafkaProducer(
        **kafka_options_at(pace.bootstrap_servers), enable_idempotence=True, linger_ms=0
    )
    async with producer:
        partitions = len(await producer.partitions_for(pace.topic))
        messages = [(_partition(message, partitions), message) for message in pace.load.contents()]
        _tell("ready")
        await asyncio.to_thread(sys.stdin.readline)
        prepared_seconds = time.process_time()
        late_ns = await send_on_time(producer, pace, messages)
        await producer.flush()
        cpu_seconds = time.process_time() - prepared_seconds
    began_ns = late_ns.pop()
    late_ms = [each / 1e6 for each in late_ns]
    return Paced(began_ns, percentile(late_ms, 50), percentile(late_ms, 99), cpu_seconds)


def _partition(message: Message, partitions: int) -> int:
    """As Kafka's own clients choose it."""
    if message.partition is not None or message.key is None:
        return (message.partition or 0) % partitions
    return partition_of(message.key, partitions)


async def send_on_time(
    producer: Any, pace: Pace, messages: Sequence[tuple[int, Message]]
) -> list[int]:
    """How late each record was (ns); the last element is when the first was due (monotonic clock, ns).

    Records that are due within _LINGER_SECONDS go together, as from any upstream's producer.
    """
    late_ns: list[int] = []
    gap_ns = 1e9 / pace.rate
    began_ns = time.monotonic_ns() + 200_000_000
    while (sent := len(late_ns)) < len(messages):
        ahead_ns = began_ns + int(sent * gap_ns) - time.monotonic_ns()
        await asyncio.sleep(max(ahead_ns / 1e9, _LINGER_SECONDS if sent else 0))
        due = min(len(messages), int((time.monotonic_ns() - began_ns) / gap_ns) + 1)
        await _send_at_once(producer, pace.topic, messages[sent:due])
        now_ns = time.monotonic_ns()
        late_ns += [now_ns - began_ns - int(number * gap_ns) for number in range(sent, due)]
    return [*late_ns, began_ns]


async def _send_at_once(producer: Any, topic: str, messages: Sequence[tuple[int, Message]]) -> None:
    """One batch for each partition, more if they are large."""
    filling: dict[int, Any] = {}
    for partition, message in messages:
        builder = filling.get(partition)
        if builder is None or not _append(builder, message):
            if builder is not None:
                await producer.send_batch(builder, topic, partition=partition)
            builder = filling[partition] = producer.create_batch()
            _append(builder, message)
    for partition, builder in filling.items():
        await producer.send_batch(builder, topic, partition=partition)


def _append(builder: Any, message: Message) -> bool:
    """Whether there was room."""
    added = builder.append(timestamp=None, key=message.key, value=message.value)
    return added is not None


def _tell(line: str) -> None:
    """To the starter, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """The process."""
    paced = uvloop.run(_produce(Pace(**json.loads(sys.argv[1]))))
    _tell(json.dumps(asdict(paced)))


if __name__ == "__main__":
    main()
