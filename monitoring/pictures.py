"""Draws the dashboards from what a Prometheus has scraped: `python -m monitoring.pictures URL [MINUTES]`.

Plain SVG, into docs/dashboards: the same queries as in Grafana, without a browser.
"""

import math
import sys
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import httpx

from monitoring.panel import Dashboard, Panel
from monitoring.panels import DASHBOARDS

FOLDER = Path(__file__).parents[1] / "docs" / "dashboards"
_COLOURS = ("#1f6feb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2", "#be185d", "#4b5563")
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 560, 250, 64, 34, 76
_POINTS, _MOST_LINES, _STEP_SECONDS = 120, 8, 5.0
_STYLE = (
    "<style>text{font:11px system-ui,sans-serif;fill:#374151}.t{font-size:13px;font-weight:600}"
    ".g{stroke:#e5e7eb}.l{fill:none;stroke-width:1.5}</style>"
)

Point = tuple[float, float]
Line = tuple[str, list[Point]]


def lines_of(prometheus: str, panel: Panel, began: float, ended: float) -> list[Line]:
    """The panel's lines: name, and points of (unix time, value)."""
    found: list[Line] = []
    for query in panel.queries:
        step = max((ended - began) / _POINTS, _STEP_SECONDS)
        parameters: dict[str, str | float] = {
            "query": query.expr,
            "start": began,
            "end": ended,
            "step": step,
            "lookback_delta": f"{3 * _STEP_SECONDS:.0f}s",  # what was not scraped is a gap
        }
        answer = httpx.get(f"{prometheus}/api/v1/query_range", params=parameters, timeout=30)
        for series in answer.raise_for_status().json()["data"]["result"]:
            points = [(at, float(value)) for at, value in series["values"] if value != "NaN"]
            found.append((_name(query.legend, series["metric"]), points))
    named = [line for line in found if line[0] != "none"]
    return named or found


def _stretches(points: Sequence[Point], gap_seconds: float) -> list[list[Point]]:
    """Break a line where nothing was scraped."""
    found: list[list[Point]] = []
    for point in points:
        if not found or point[0] - found[-1][-1][0] > gap_seconds:
            found.append([])
        found[-1].append(point)
    return found


def _rounded_up(value: float) -> float:
    """The end of an axis: 1, 2 or 5 times a power of ten, 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if value <= step * power * 1.0001)


def _name(legend: str, labels: dict[str, str]) -> str:
    for label, value in labels.items():
        legend = legend.replace("{{" + label + "}}", value)
    return legend.split("{{")[0].strip() or "none"


def draw(dashboard: Dashboard, prometheus: str, began: float, ended: float) -> str:
    """One dashboard as an SVG document."""
    rows = (len(dashboard.panels) + 1) // 2
    width, height = _WIDTH * 2, 30 + rows * _HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{_STYLE}',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text class="t" x="12" y="20">{escape(dashboard.title)}, {(ended - began) / 60:.0f} minutes</text>',
    ]
    for index, panel in enumerate(dashboard.panels):
        row, column = divmod(index, 2)
        lines = lines_of(prometheus, panel, began, ended)
        parts.append(f'<g transform="translate({column * _WIDTH},{30 + row * _HEIGHT})">')
        parts += _draw_panel(panel, lines, began, ended)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>\n"])


def _draw_panel(panel: Panel, lines: Sequence[Line], began: float, ended: float) -> list[str]:
    plot_width, plot_height = _WIDTH - _LEFT - 16, _HEIGHT - _TOP - _BOTTOM
    top = _rounded_up(max((value for _, points in lines for _, value in points), default=0.0))
    parts = [f'<text class="t" x="12" y="20">{escape(panel.title)}</text>']
    for part in (0.0, 0.5, 1.0):
        y = _TOP + plot_height * (1 - part)
        parts.append(f'<line class="g" x1="{_LEFT}" x2="{_WIDTH - 16}" y1="{y}" y2="{y}"/>')
        label = _with_unit(top * part, panel.unit)
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{label}</text>')
    for index, (name, points) in enumerate(lines[:_MOST_LINES]):
        colour = _COLOURS[index % len(_COLOURS)]
        for stretch in _stretches(points, 2.5 * max((ended - began) / _POINTS, _STEP_SECONDS)):
            path = " ".join(
                f"{_LEFT + (at - began) / (ended - began) * plot_width:.1f},"
                f"{_TOP + plot_height * (1 - value / top):.1f}"
                for at, value in stretch
            )
            parts.append(f'<polyline class="l" stroke="{colour}" points="{path}"/>')
        x, y = _LEFT + index % 2 * 240, _HEIGHT - _BOTTOM + 18 + index // 2 * 14
        parts.append(
            f'<text x="{x}" y="{y}"><tspan fill="{colour}">&#9644;</tspan> {escape(name[-38:])}</text>'
        )
    return parts


def _with_unit(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / 1e6:.0f} MB"
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit == "s" and value < 1:
        return f"{value * 1000:.3g} ms"
    suffix: Any = {"s": " s", "ops": "/s"}.get(unit, "")
    return f"{value:,.4g}{suffix}" if value < 1000 else f"{value:,.0f}{suffix}"


def main() -> None:
    """Draw all."""
    prometheus = sys.argv[1].rstrip("/")
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    ended = time.time()
    FOLDER.mkdir(exist_ok=True)
    for dashboard in DASHBOARDS:
        text = draw(dashboard, prometheus, ended - minutes * 60, ended)
        (FOLDER / f"{dashboard.uid}.svg").write_text(text)
        sys.stdout.write(f"drew {dashboard.uid}.svg\n")


if __name__ == "__main__":
    main()
