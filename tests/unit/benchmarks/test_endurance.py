"""Passes are compared with the fresh pass of the same round."""

import pytest
from benchmarks.endurance import FILLED, FRESH, HELD, Pass, figures


def one(kind: str, number: int, rate: float, peak_mb: int = 100) -> Pass:
    """A pass of 1000 events at a rate."""
    return Pass(
        kind,
        number,
        1000,
        1000 / rate,
        peak_mb * 2**20,
        0.0,
        500.0,
        900.0,
        {"postgres": 40.0 + number},
    )


def test_ratios_and_growth() -> None:
    """Beside a held transaction the later passes count: what is dead piles up."""
    passes = [
        *(one(FRESH, n, 1000, peak_mb=100 + n) for n in range(1, 5)),
        *(one(FILLED, n, 990) for n in range(1, 5)),
        *(one(HELD, n, 1000 - 100 * n) for n in range(1, 5)),
    ]
    found = figures(passes)
    assert found["filled / fresh"] == [pytest.approx(0.99)] * 4
    assert found["held / fresh"] == [pytest.approx(0.7), pytest.approx(0.6)]
    assert found["memory growth %"] == [pytest.approx(100 * (104 / 102 - 1))]
    assert found["table bytes"] == [500.0] * 4
    assert found["filled postgres cpu us"] == [41.0, 42.0, 43.0, 44.0]
