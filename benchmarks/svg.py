"""Charts as plain SVG: bars with the extremes of their rounds, stacked bars, and lines over a number.

Written by hand: the same input gives the same bytes, so that a picture in the repository changes only
with what it shows; a chart library would bring numpy and ten more packages for these few pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

from benchmarks.summary import Summary

_WIDTH, _LABELS, _RIGHT, _TOP = 860, 230, 90, 56
_BAR, _GAP = 20, 8
_HEIGHT, _LEFT, _BOTTOM = 300, 70, 48
COLOURS = ("#1f6feb", "#d97706", "#059669", "#7c3aed", "#dc2626")
_QUIET = "#9ca3af"

_STYLE = """\
<style>
text { font: 12px system-ui, sans-serif; fill: #374151 }
.title { font-size: 15px; font-weight: 600 }
.note { font-size: 11px; fill: #6b7280 }
.axis { stroke: #d1d5db; stroke-width: 1 }
.range { stroke: #111827; stroke-width: 1.5 }
</style>
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One contestant: a bar to the median, a line from the lowest to the highest round."""

    label: str
    value: Summary
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Stack:
    """Parts of a whole, side by side in one bar."""

    label: str
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Line:
    """Points in order of x; with `dots_only`, not connected."""

    label: str
    points: Sequence[tuple[float, float]]
    dots_only: bool = False


def bars(title: str, note: str, unit: str, items: Sequence[Bar]) -> str:
    """Draw bars from left to right, one below the other."""
    height = _TOP + len(items) * (_BAR + _GAP) + 12
    most = max((item.value.highest for item in items), default=1.0) or 1.0
    scale = (_WIDTH - _LABELS - _RIGHT) / most
    rows = [_bar(item, _TOP + n * (_BAR + _GAP), scale, unit) for n, item in enumerate(items)]
    return _document(title, note, _WIDTH, height, rows)


def stacks(title: str, note: str, most: float, items: Sequence[Stack]) -> str:
    """Draw stacked bars from left to right, one below the other, on a scale that ends at `most`."""
    bottom = _TOP + len(items) * (_BAR + _GAP)
    end = _WIDTH - _RIGHT
    scale = (end - _LABELS) / most
    names = list(dict.fromkeys(name for item in items for name in item.parts))
    colours = {name: COLOURS[n % len(COLOURS)] for n, name in enumerate(names)}
    drawn = [f'<line class="axis" x1="{end}" x2="{end}" y1="{_TOP}" y2="{bottom}"/>\n']
    for number, item in enumerate(items):
        drawn.append(_stack(item, _TOP + number * (_BAR + _GAP), scale, colours))
    for number, name in enumerate(names):
        x = _LABELS + number * (end - _LABELS) / len(names)
        drawn.append(_legend(x, bottom + 22, colours[name], name))
    return _document(title, note, _WIDTH, bottom + 40, drawn)


def lines(title: str, note: str, x_label: str, y_label: str, items: Sequence[Line]) -> str:
    """Draw lines over a common axis from zero."""
    most_x = nice(max((x for item in items for x, _ in item.points), default=1.0))
    most_y = nice(max((y for item in items for _, y in item.points), default=1.0))
    bottom, right = _TOP + _HEIGHT, _WIDTH - 30
    legend_y = bottom + 40

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            round(_LEFT + x / most_x * (right - _LEFT), 1),
            round(bottom - y / most_y * _HEIGHT, 1),
        )

    drawn = [
        f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>\n',
        f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{_TOP}" y2="{bottom}"/>\n',
        _text(_LEFT - 6, _TOP + 10, f"{most_y:,g}", "end"),
        _text(_LEFT - 6, bottom, "0", "end"),
        _text(_LEFT - 6, _TOP + _HEIGHT / 2, y_label, "end"),
        _text(right, bottom + 16, f"{most_x:,g} {x_label}", "end"),
    ]
    for number, item in enumerate(items):
        colour = COLOURS[number % len(COLOURS)]
        spots = [place(x, y) for x, y in item.points]
        if not item.dots_only:
            path = " ".join(f"{'L' if n else 'M'}{x} {y}" for n, (x, y) in enumerate(spots))
            drawn.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>\n')
        drawn += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>\n' for x, y in spots]
        legend_x = _LEFT + number * (right - _LEFT) / len(items)
        drawn.append(_legend(legend_x, legend_y, colour, item.label))
    return _document(title, note, _WIDTH, bottom + _BOTTOM + 8, drawn)


def nice(most: float) -> float:
    """The next 1, 2 or 5 times a power of ten that is not below `most`; 1 for nothing."""
    if most <= 0:
        return 1.0
    power = 10.0 ** floor(log10(most))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= most * (1 - 1e-9))


def _bar(item: Bar, top: int, scale: float, unit: str) -> str:
    middle, value = top + _BAR / 2, item.value
    colour = COLOURS[0] if item.ours else _QUIET
    end = _LABELS + value.median * scale
    left, right = _LABELS + value.lowest * scale, _LABELS + value.highest * scale
    return (
        _text(_LABELS - 8, middle + 4, item.label, "end")
        + f'<rect x="{_LABELS}" y="{top}" width="{max(end - _LABELS, 1):.1f}" height="{_BAR}" '
        f'fill="{colour}"/>\n'
        f'<line class="range" x1="{left:.1f}" x2="{right:.1f}" y1="{middle}" y2="{middle}"/>\n'
        + _text(max(end, right) + 6, middle + 4, f"{value.median:,.0f}{unit}")
    )


def _stack(item: Stack, top: int, scale: float, colours: Mapping[str, str]) -> str:
    drawn, x = [_text(_LABELS - 8, top + _BAR / 2 + 4, item.label, "end")], float(_LABELS)
    for name, value in item.parts.items():
        width = value * scale
        drawn.append(
            f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_BAR}" '
            f'fill="{colours[name]}"/>\n'
        )
        x += width
    drawn.append(_text(x + 6, top + _BAR / 2 + 4, f"{sum(item.parts.values()):.2f}"))
    return "".join(drawn)


def _legend(x: float, y: int, colour: str, label: str) -> str:
    square = f'<rect x="{x:.0f}" y="{y - 9}" width="10" height="10" fill="{colour}"/>\n'
    return square + _text(x + 15, y, label)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>\n'


def _document(title: str, note: str, width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">\n'
        f'{_STYLE}<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        f'<text class="title" x="16" y="22">{escape(title)}</text>\n'
        f'<text class="note" x="16" y="40">{escape(note)}</text>\n'
        f"{''.join(parts)}</svg>\n"
    )
