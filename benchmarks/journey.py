"""The stages of an event's way, from times that its slot event carries: nothing is added to the service."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import orjson

from rollcall_cluster.measuring.latency import SETTLING_SECONDS, Arrival, percentile
from rollcall_cluster.measuring.load import Load

FETCHED: Final = "until its chunk begins"
COMMITTED: Final = "chunk, commit, numbering"
PUBLISHED: Final = "Kafka transaction, until readable"
STAGES: Final = (FETCHED, COMMITTED, PUBLISHED)


class Reading(NamedTuple):
    """A slot event as it was read.

    Attributes:
        at_ns: monotonic clock.
        sent_ms: the record's timestamp: when the lane put it into its transaction (Unix time).
    """

    at_ns: int
    value: bytes
    sent_ms: int

    @property
    def arrival(self) -> Arrival:
        """What whole latencies are made of."""
        return self.at_ns, self.value


def stages_ms(
    load: Load,
    began_ns: int,
    rate: float,
    readings: Iterable[Reading],
    unix_minus_monotonic_ns: int,
) -> Mapping[str, Mapping[str, float]]:
    """Percentiles of each stage, in milliseconds; events of the first moments are left out.

    Args:
        unix_minus_monotonic_ns: from the clock of `began_ns` and of the readings to Unix time.
    """
    due_ms = {}
    for number, message in enumerate(load.contents()):
        if number >= rate * SETTLING_SECONDS:
            due_ns = began_ns + unix_minus_monotonic_ns + number / rate * 1e9
            due_ms[_text_of(message.value or b"")] = due_ns / 1e6
    ways = [
        _way(due_ms[text], reading, unix_minus_monotonic_ns)
        for reading in readings
        if (text := _text_of(reading.value)) in due_ms
    ]
    return {
        stage: {f"p{percent:g}": round(percentile(times, percent), 2) for percent in (50, 99)}
        for stage, times in zip(STAGES, zip(*ways, strict=True), strict=True)
    }


def _way(due_ms: float, reading: Reading, unix_minus_monotonic_ns: int) -> Sequence[float]:
    begun = orjson.loads(reading.value)["event_timestamp"]
    begun_ms = datetime.fromisoformat(begun).timestamp() * 1000
    read_ms = (reading.at_ns + unix_minus_monotonic_ns) / 1e6
    return begun_ms - due_ms, reading.sent_ms - begun_ms, read_ms - reading.sent_ms


def _text_of(value: bytes) -> str:
    text: str = orjson.loads(value)["data"]["text_storage_id"]
    return text
