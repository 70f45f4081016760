"""A latency counts from when its record was due, of every record once."""

from datetime import UTC, datetime

import orjson
import pytest
from benchmarks.journey import COMMITTED, FETCHED, PUBLISHED, Reading, stages_ms
from benchmarks.latency import LatencyRun, figures

from rollcall_cluster.measuring.errors import MeasurementError
from rollcall_cluster.measuring.latency import latencies_ms
from rollcall_cluster.measuring.load import Load
from rollcall_cluster.measuring.pacing import Paced

LOAD = Load("paced", batches=2, slots=50)
RATE = 10.0
PACED = Paced(began_ns=5_000_000_000, late_ms_median=0.0, late_ms_p99=0.0, cpu_seconds=1.0)


def arrivals(delay_ms: float) -> list[tuple[int, bytes]]:
    """Every slot event so long after its record was due."""
    found = []
    for number, message in enumerate(LOAD.contents()):
        due_ns = PACED.began_ns + number / RATE * 1e9
        text = orjson.loads(message.value or b"")["data"]["text_storage_id"]
        found.append(
            (int(due_ns + delay_ms * 1e6), orjson.dumps({"data": {"text_storage_id": text}}))
        )
    return found


def test_the_first_moments_are_left_out() -> None:
    """Two seconds of settling; the rest counts, each from its own moment."""
    found = latencies_ms(LOAD, PACED.began_ns, RATE, arrivals(12.0))
    assert len(found) == LOAD.events - 20
    assert found == pytest.approx([12.0] * len(found))


def test_a_missing_slot_event_is_an_error() -> None:
    """Never a shorter list."""
    with pytest.raises(MeasurementError, match="no slot event"):
        latencies_ms(LOAD, PACED.began_ns, RATE, arrivals(12.0)[:-1])


def test_a_repeated_slot_event_is_an_error() -> None:
    """The answer would be wrong."""
    with pytest.raises(MeasurementError, match="two slot events"):
        latencies_ms(LOAD, PACED.began_ns, RATE, [*arrivals(12.0), arrivals(12.0)[0]])


def test_figures_are_named_by_rate_and_percentile() -> None:
    """As the targets name them."""
    run = LatencyRun(
        "slow",
        100,
        10,
        PACED,
        {"p50": 9.0, "p99.9": 70.0},
        {FETCHED: {"p50": 4.0}},
        {"replica": 80.0},
        0.0,
    )
    assert figures([run, run]) == {
        "p50 ms slow": [9.0, 9.0],
        "p99.9 ms slow": [70.0, 70.0],
        f"{FETCHED}, p50 ms slow": [4.0, 4.0],
        "replica cpu us slow": [80.0, 80.0],
    }


def test_the_stages_add_up_to_the_whole() -> None:
    """Each begins where the one before ends, although two clocks are read."""
    apart_ns = 1_700_000_000_000_000_000
    readings = []
    for number, message in enumerate(LOAD.contents()):
        due_ns = PACED.began_ns + round(number / RATE * 1e9)
        begun = datetime.fromtimestamp((due_ns + apart_ns + 4_000_000) / 1e9, UTC)
        value = orjson.loads(message.value or b"") | {"event_timestamp": begun.isoformat()}
        sent_ms = (due_ns + apart_ns + 15_000_000) // 1_000_000
        readings.append(Reading(due_ns + 40_000_000, orjson.dumps(value), sent_ms))
    found = stages_ms(LOAD, PACED.began_ns, RATE, readings, apart_ns)
    assert found[FETCHED]["p50"] == pytest.approx(4, abs=0.1)
    assert found[COMMITTED]["p99"] == pytest.approx(11, abs=0.1)
    assert found[PUBLISHED]["p50"] == pytest.approx(25, abs=0.1)
