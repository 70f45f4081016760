"""Bars and curves as SVG for the report. Colours are the page's variables, so they follow light and dark."""

from collections.abc import Sequence
from html import escape
from math import floor, log10

from rollcall_cluster.scenarios.findings import BarPlot, CurvePlot, Plot

_WIDTH, _TOP = 640, 34
_LABELS, _RIGHT, _BAR, _GAP = 190, 84, 18, 7
_MOST_ROWS = 8
_LEFT, _HEIGHT, _BOTTOM, _COLUMN_LABELS = 64, 190, 22, 30
_CURVES = 4


def draw(plot: Plot) -> str:
    """Draw one."""
    if isinstance(plot, CurvePlot):
        return _curves(plot)
    return _rows(plot) if len(plot.bars) <= _MOST_ROWS else _columns(plot)


def nice(most: float) -> float:
    """The next 1, 2 or 5 times a power of ten that is not below `most`; 1 for nothing."""
    if most <= 0:
        return 1.0
    power = 10.0 ** floor(log10(most))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= most * (1 - 1e-9))


def _rows(plot: BarPlot) -> str:
    """One bar below the other."""
    most = _most(plot)
    scale = (_WIDTH - _LABELS - _RIGHT) / most
    bottom = _TOP + len(plot.bars) * (_BAR + _GAP)
    parts = []
    for number, (label, value) in enumerate(plot.bars.items()):
        top = _TOP + number * (_BAR + _GAP)
        width = max(value * scale, 1)
        parts += [
            _text(_LABELS - 8, top + 13, label, "end"),
            f'<rect class="bar" x="{_LABELS}" y="{top}" width="{width:.1f}" height="{_BAR}" rx="2"/>\n',
            _text(_LABELS + width + 6, top + 13, f"{_figure(value)}{plot.unit}"),
        ]
    for number, (label, value) in enumerate(plot.marks.items()):
        x, y = _LABELS + value * scale, bottom + 12 + 14 * number
        parts += [
            f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 4}" y2="{y - 9}"/>\n',
            _text(
                x, y, f"{label} {_figure(value)}{plot.unit}", "end" if x > _WIDTH / 2 else "start"
            ),
        ]
    return _document(plot.title, bottom + 8 + 14 * len(plot.marks), parts)


def _columns(plot: BarPlot) -> str:
    """Side by side, for many bars."""
    most, bottom = nice(_most(plot)), _TOP + _HEIGHT
    step = (_WIDTH - _LEFT - 16) / len(plot.bars)
    parts = _axes(bottom, f"{most:,g}{plot.unit}")
    every = -(-len(plot.bars) // _COLUMN_LABELS)
    for number, (label, value) in enumerate(plot.bars.items()):
        x, height = _LEFT + number * step, value / most * _HEIGHT
        parts.append(
            f'<rect class="bar" x="{x + 1:.1f}" y="{bottom - height:.1f}" width="{step - 2:.1f}" '
            f'height="{height:.1f}"><title>{escape(label)}: {value:,g}{plot.unit}</title></rect>\n'
        )
        if number % every == 0:
            parts.append(_text(x + step / 2, bottom + 14, label, "middle"))
    return _document(plot.title, bottom + _BOTTOM, parts)


def _curves(plot: CurvePlot) -> str:
    points = [point for curve in plot.curves.values() for point in curve]
    most_x = nice(max((x for x, _ in points), default=1.0))
    most_y = nice(max([y for _, y in points] + list(plot.marks.values()), default=1.0))
    bottom, width = _TOP + _HEIGHT, _WIDTH - _LEFT - 16

    def spot(x: float, y: float) -> str:
        return f"{_LEFT + x / most_x * width:.1f} {bottom - y / most_y * _HEIGHT:.1f}"

    parts = _axes(bottom, f"{most_y:,g} {plot.y_unit}".strip())
    parts.append(_text(_WIDTH - 16, bottom + 15, f"{most_x:,g} {plot.x_unit}", "end"))
    for label, value in plot.marks.items():
        y = bottom - value / most_y * _HEIGHT
        parts += [
            f'<line class="mark" x1="{_LEFT}" x2="{_WIDTH - 16}" y1="{y:.1f}" y2="{y:.1f}"/>\n',
            _text(_WIDTH - 16, y - 4, f"{label} {value:,g} {plot.y_unit}", "end"),
        ]
    for number, (label, curve) in enumerate(plot.curves.items()):
        path = " ".join(f"{'L' if n else 'M'}{spot(x, y)}" for n, (x, y) in enumerate(curve))
        colour, x = f"curve c{number % _CURVES}", _LEFT + 130 * number
        parts += [
            f'<path class="{colour}" d="{path}"/>\n',
            f'<line class="{colour}" x1="{x}" x2="{x + 16}" y1="{bottom + 32}" y2="{bottom + 32}"/>\n',
            _text(x + 22, bottom + 36, label),
        ]
    return _document(plot.title, bottom + _BOTTOM + 22, parts)


def _figure(value: float) -> str:
    """Four digits at least, and never an exponent."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _most(plot: BarPlot) -> float:
    return max([*plot.bars.values(), *plot.marks.values()], default=1.0) or 1.0


def _axes(bottom: float, most: str) -> list[str]:
    return [
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - 16}" y1="{bottom}" y2="{bottom}"/>\n',
        f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{_TOP}" y2="{bottom}"/>\n',
        _text(_LEFT - 6, _TOP + 10, most, "end"),
        _text(_LEFT - 6, bottom, "0", "end"),
    ]


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>\n'


def _document(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" role="img">\n'
        f'<title>{escape(title)}</title>\n<text class="title" x="8" y="18">{escape(title)}</text>\n'
        f"{''.join(parts)}</svg>\n"
    )
