"""The pacing producer sends every record once, to its partition, when it is due or little later."""

import time
from typing import Any

from rollcall_cluster.measuring.load import Message
from rollcall_cluster.measuring.pacing import Pace, send_on_time

RECORDS = 200
PARTITIONS = 3
PACE = Pace("nowhere", "in", rate=10_000.0, load_name="paced", batches=2, slots=100)
MESSAGES = [(number % PARTITIONS, Message(b"key", b"%d" % number)) for number in range(RECORDS)]


class Batch:
    """As aiokafka's, with room for a few records."""

    def __init__(self, room: int) -> None:
        self.values: list[bytes] = []
        self._room = room

    def append(self, *, timestamp: None, key: bytes | None, value: bytes) -> Any:
        """None if it is full."""
        if len(self.values) == self._room:
            return None
        self.values.append(value)
        return self


class Producer:
    """Notes what is sent, where to and when (monotonic clock, ns)."""

    def __init__(self, room: int) -> None:
        self.sent: list[tuple[int, list[bytes], int]] = []
        self._room = room

    def create_batch(self) -> Batch:
        """An empty one."""
        return Batch(self._room)

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> None:
        """Take it."""
        assert topic == "in"
        self.sent.append((partition, batch.values, time.monotonic_ns()))


async def test_records_go_to_their_partitions_in_order_and_never_early() -> None:
    producer = Producer(room=RECORDS)
    *late_ns, began_ns = await send_on_time(producer, PACE, MESSAGES)
    for partition in range(PARTITIONS):
        values = [value for where, some, _ in producer.sent if where == partition for value in some]
        assert values == [b"%d" % number for number in range(partition, RECORDS, PARTITIONS)]
    for _, values, at_ns in producer.sent:
        assert all(at_ns >= began_ns + int(value) * 1e9 / PACE.rate for value in values)
    assert len(late_ns) == RECORDS
    assert min(late_ns) >= 0


async def test_records_that_are_due_together_share_a_batch_of_their_partition() -> None:
    """At 10,000 a second, 50 fall into each 5 ms: a request for each would measure the producer."""
    producer = Producer(room=RECORDS)
    await send_on_time(producer, PACE, MESSAGES)
    assert len(producer.sent) < RECORDS / 5


async def test_what_a_batch_has_no_room_for_goes_into_the_next() -> None:
    producer = Producer(room=2)
    await send_on_time(producer, PACE, MESSAGES)
    assert max(len(values) for _, values, _ in producer.sent) == 2
    assert sorted(int(value) for _, values, _ in producer.sent for value in values) == [
        *range(RECORDS)
    ]
