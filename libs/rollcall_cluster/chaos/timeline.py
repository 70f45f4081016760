"""The run as a picture: throughput and lag over time, the faults marked; one strip for each round.

Plain SVG, written by hand: a chart library would be a dependency for one picture.
"""

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from rollcall_cluster.chaos.recovery import Point, rate_at
from rollcall_cluster.chaos.results import ChaosResult, FaultRecord, RoundRecord

_WIDTH, _LEFT, _RIGHT = 1400, 70, 16
_PLOT = _WIDTH - _LEFT - _RIGHT
_STRIP, _RATE_HEIGHT, _LAG_HEIGHT, _LABELS = 330, 90, 60, 124
_TOP = 60
_RATE_COLOUR, _LAG_COLOUR, _FAULT_COLOUR, _BAD_COLOUR = "#1f6feb", "#d97706", "#6b7280", "#dc2626"

_STYLE = """\
<style>
text { font: 11px system-ui, sans-serif; fill: #374151 }
.title { font-size: 15px; font-weight: 600 }
.axis { stroke: #d1d5db; stroke-width: 1 }
.label { font-size: 10px }
</style>
"""

_Spot = tuple[float, float]


def draw_timeline(result: ChaosResult) -> str:
    """Draw a run."""
    longest = max((each.ended - each.began for each in result.rounds), default=1.0) or 1.0
    strips = [
        _Strip(result, each, _TOP + index * _STRIP, longest).draw()
        for index, each in enumerate(result.rounds)
    ]
    height = _TOP + len(result.rounds) * _STRIP + 10
    title = f"{len(result.faults)} faults, seed {result.seed}, {result.violations} violations"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}">\n'
        f'{_STYLE}<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n'
        f'<text class="title" x="{_LEFT}" y="24">{escape(title)}</text>\n'
        f'<text x="{_LEFT}" y="44"><tspan fill="{_RATE_COLOUR}">records handled a second</tspan>, '
        f'<tspan fill="{_LAG_COLOUR}">records waiting</tspan>; a grey band is a fault until the '
        f'deployment was itself again, <tspan fill="{_BAD_COLOUR}">a red one</tspan> was too long; '
        "breaks in a line: the server did not answer</text>\n"
        f"{''.join(strips)}</svg>\n"
    )


class _Strip:
    """One round."""

    def __init__(self, result: ChaosResult, round_: RoundRecord, top: int, seconds: float) -> None:
        self._result = result
        self._round = round_
        self._top = top
        self._seconds = seconds
        self._points = [
            Point(at, produced, handled)
            for at, produced, handled, *_ in result.samples
            if round_.began <= at <= round_.ended
        ]
        self._rates = [(p.at, rate_at(self._points, i)) for i, p in enumerate(self._points)]
        self._lags = [(point.at, point.lag) for point in self._points]
        self._rate_bottom = top + _LABELS + _RATE_HEIGHT
        self._lag_bottom = self._rate_bottom + 16 + _LAG_HEIGHT

    def draw(self) -> str:
        """Bands first, lines over them."""
        faults = [fault for fault in self._result.faults if fault.round == self._round.number]
        most_rate = max(2 * self._result.rate, 1.0)
        most_lag = max((lag for _, lag in self._lags if lag is not None), default=1) or 1
        rates = [(at, None if rate is None else min(rate, most_rate)) for at, rate in self._rates]
        return "".join(
            [
                f"<g><!-- round {self._round.number} -->\n",
                *(self._band(fault) for fault in faults),
                self._axis(self._rate_bottom, _RATE_HEIGHT, f"{most_rate:,.0f}/s"),
                self._axis(self._lag_bottom, _LAG_HEIGHT, f"{most_lag:,}"),
                self._line(rates, most_rate, self._rate_bottom, _RATE_HEIGHT, _RATE_COLOUR),
                self._line(self._lags, most_lag, self._lag_bottom, _LAG_HEIGHT, _LAG_COLOUR),
                self._ticks(),
                self._caption(),
                "</g>\n",
            ]
        )

    def _x(self, at: float) -> float:
        return round(_LEFT + (at - self._round.began) / self._seconds * _PLOT, 1)

    def _band(self, fault: FaultRecord) -> str:
        end = fault.settled or max(fault.ended, fault.began)
        left, right = self._x(fault.began), self._x(end)
        colour = _FAULT_COLOUR if fault.ok else _BAD_COLOUR
        top = self._top + _LABELS
        told = f"{fault.number} {fault.name}"
        shade = 0.24 if fault.number % 2 else 0.12  # one often begins where the last one ends
        story = escape(f"{told} {fault.detail}: rate back after {fault.rate_seconds} s")
        return (
            f'<rect x="{left}" y="{top}" width="{max(right - left, 1):.1f}" '
            f'height="{self._lag_bottom - top}" fill="{colour}" fill-opacity="{shade}">'
            f"<title>{story}</title></rect>\n"
            f'<line x1="{left}" x2="{left}" y1="{top}" y2="{self._lag_bottom}" stroke="{colour}"/>\n'
            f'<text class="label" transform="translate({left + 4} {top - 4}) rotate(-50)" '
            f'style="fill:{colour}">{escape(told)}</text>\n'
        )

    def _axis(self, bottom: int, height: int, most: str) -> str:
        right = _WIDTH - _RIGHT
        return (
            f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>\n'
            f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{bottom - height}" y2="{bottom}"/>\n'
            f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">0</text>\n'
            f'<text x="{_LEFT - 6}" y="{bottom - height + 8}" text-anchor="end">{most}</text>\n'
        )

    def _line(
        self,
        values: Sequence[tuple[float, float | None]],
        most: float,
        bottom: int,
        height: int,
        colour: str,
    ) -> str:
        spots = [
            None if value is None else (self._x(at), round(bottom - value / most * height, 1))
            for at, value in values
        ]
        style = f'fill="none" stroke="{colour}" stroke-width="1.2"'
        return f'<path d="{_path(spots)}" {style}/>\n'

    def _ticks(self) -> str:
        minutes = range(int(self._seconds // 60) + 1)
        return "".join(
            f'<text x="{self._x(self._round.began + minute * 60)}" y="{self._lag_bottom + 14}" '
            f'text-anchor="middle">{minute} min</text>\n'
            for minute in minutes
        )

    def _caption(self) -> str:
        each = self._round
        told = (
            f"round {each.number}: {each.records:,} records audited, {each.violations} violations"
        )
        colour = _FAULT_COLOUR if each.ok else _BAD_COLOUR
        place = f'x="{_WIDTH - _RIGHT}" y="{self._lag_bottom + 28}" text-anchor="end"'
        return f'<text {place} style="fill:{colour};font-weight:600">{escape(told)}</text>\n'


def _path(spots: Sequence[_Spot | None]) -> str:
    """Lines between neighbours that are both known."""
    parts: list[str] = []
    pen_down = False
    for here, following in pairwise([*spots, None]):
        if here is not None:
            parts.append(f"{'L' if pen_down else 'M'}{here[0]} {here[1]}")
        pen_down = here is not None and following is not None
    return "".join(parts)
