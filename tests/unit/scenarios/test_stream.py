"""The even stream: what goes before it, how long both take, and what the table tells of them."""

from types import SimpleNamespace
from typing import Any

import pytest

from rollcall_cluster.measuring.pacing import Paced
from rollcall_cluster.scenarios import performance
from rollcall_cluster.scenarios.findings import Finding


class Streams:
    """Stands in for the streams themselves, and remembers how long each was to last."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def paced(self, _: Any, seconds: float) -> Any:
        """In the first, a content takes a second; in those that follow, ten milliseconds."""
        took_ms = [10.0] * 100 if self.seconds else [1000.0] * 100
        self.seconds.append(seconds)
        return performance._Streamed(Paced(0, 0.1, 0.2, 1.0), took_ms, 61.5)


async def _nothing(*_: Any) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize(
    ("duration", "expected"), [(60.0, [60.0, 15.0]), (5.0, [5.0, 3.0]), (3600.0, [60.0, 60.0])]
)
async def test_a_new_broker_has_compiled_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, duration: float, expected: list[float]
) -> None:
    streams, finding, steps = Streams(), Finding("performance", ""), list[str]()
    monkeypatch.setattr(performance, "_paced", streams.paced)
    monkeypatch.setattr(performance, "_histograms", _nothing)
    monkeypatch.setattr(performance, "_database", _nothing)
    stage: Any = SimpleNamespace(duration_seconds=duration, on_step=steps.append)

    await performance.stream(stage, finding)

    assert streams.seconds == expected
    assert [step.split(":")[0] for step in steps][:1] == ["warming up"]
    told = {row.name: row.measured for row in finding.rows}
    assert told["content produced -> slot event readable at 1,000 events/s, P95"] == 10.0
    assert told["CPU of this machine meanwhile"] == 61.5
