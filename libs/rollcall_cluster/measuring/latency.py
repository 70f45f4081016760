"""Latencies: of each record, from when it was due until its outcome was readable. Pure."""

from collections.abc import Sequence
from math import ceil

import orjson

from rollcall_cluster.measuring.errors import MeasurementError
from rollcall_cluster.measuring.load import Load

SETTLING_SECONDS = 2.0
"""Records due in the first moments are left out: everybody is still getting up to speed."""

Arrival = tuple[int, bytes]
"""Monotonic clock (ns) and value of a slot event."""


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all values do not exceed.

    Raises:
        ValueError: there is none.
    """
    if not values:
        raise ValueError("no percentile of nothing")
    ordered = sorted(values)
    return ordered[max(0, ceil(percent / 100 * len(ordered)) - 1)]


def latencies_ms(
    load: Load, began_ns: int, rate: float, arrivals: Sequence[Arrival]
) -> Sequence[float]:
    """Of each record, from when it was due; those of the first moments are left out.

    Raises:
        MeasurementError: a content has no slot event, or more than one.
    """
    arrived: dict[str, int] = {}
    for at_ns, value in arrivals:
        text = orjson.loads(value)["data"]["text_storage_id"]
        if text in arrived:
            raise MeasurementError(f"two slot events for {text}")
        arrived[text] = at_ns
    found = []
    for number, message in enumerate(load.contents()):
        due_ns = began_ns + number / rate * 1e9
        text = orjson.loads(message.value or b"")["data"]["text_storage_id"]
        if text not in arrived:
            raise MeasurementError(f"no slot event for {text}")
        if number >= rate * SETTLING_SECONDS:
            found.append((arrived[text] - due_ns) / 1e6)
    return found
