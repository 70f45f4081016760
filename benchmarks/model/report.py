"""The model for the terminal and for docs/architecture/scaling.md."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import results
from benchmarks.marks import inserted
from benchmarks.model.costs import CHUNK, SOURCES, Costs, Results
from benchmarks.model.predictions import TOLERANCE, Need, Prediction, needs, predictions

PAGE = Path(__file__).parents[2] / "docs" / "architecture" / "scaling.md"
_NEED_HEADINGS = (
    "load",
    "events/s",
    "replicas",
    "partitions",
    "connections",
    "PostgreSQL cores",
    "Kafka cores",
    "WAL MB/s",
    "chunks/s",
    "lanes",
)


def model(console: Console, *, write: bool, folder: Path = results.RESULTS) -> bool:
    """Fit, print, and with `write` put it into the documentation; tells whether every point holds.

    Raises:
        BenchmarkError: there are no results to fit to.
    """
    found = results.newest(folder)
    costs = Costs.of(found)
    points, wanted = predictions(costs, found), needs(costs)
    console.print(_costs_text(costs))
    shown = Table("point", "measured", "predicted", "error", "")
    for point in points:
        shown.add_row(*_point_row(point), "[green]holds" if point.holds else "[red]does not")
    needed = Table(*_NEED_HEADINGS)
    for need in wanted:
        needed.add_row(*_need_row(need))
    console.print(shown, needed)
    if write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(inserted(page, _section(costs, points, wanted, found)), encoding="utf-8")
        console.print(f"written: {PAGE}")
    return all(point.holds for point in points)


def _costs_text(costs: Costs) -> str:
    return (
        f"A chunk of n events takes the database {1e3 * costs.sql.fixed:.1f} ms +"
        f" {1e6 * costs.sql.each:.1f} us x n on one connection; a Kafka transaction of n events"
        f" {1e3 * costs.transaction.fixed:.1f} ms + {1e6 * costs.transaction.each:.1f} us x n, of which"
        f" {1e3 * costs.producing.fixed:.1f} ms + {1e6 * costs.producing.each:.1f} us x n are CPU time of"
        " the replica."
        f" For each event the interpreter needs {costs.decode:.1f} us to decode and"
        f" {costs.encode:.1f} us to build and encode; end to end, CPU time is"
        f" {costs.replica:.0f} us in the replica, {costs.postgres:.0f} us in PostgreSQL and"
        f" {costs.kafka:.0f} us in Kafka, and {costs.wal_bytes:,.0f} bytes of WAL are written."
        f" One replica takes {costs.path_us:.0f} us for each event, in chunks of {CHUNK:,}: of its"
        f" interpreter's and its database's time, {costs.overlap:.0%} of the shorter is hidden behind"
        f" the longer. A full machine does {costs.full_share:.0%} of what its cores would do at the"
        " costs of one replica."
    )


def _point_row(point: Prediction) -> tuple[str, str, str, str]:
    digits = 0 if point.unit == "events/s" else 1
    return (
        point.what,
        f"{point.measured:,.{digits}f} {point.unit}",
        f"{point.predicted:,.{digits}f} {point.unit}",
        f"{point.error:+.0%}",
    )


def _need_row(need: Need) -> tuple[str, ...]:
    return (
        f"{need.times:,}x",
        f"{need.rate:,.0f}",
        f"{need.replicas:,}",
        f"{need.partitions:,}",
        f"{need.connections:,}",
        f"{need.postgres_cores:,.1f}",
        f"{need.kafka_cores:,.1f}",
        f"{need.wal_mb_per_second:,.0f}",
        f"{need.chunk_commits_per_second:,.0f}",
        f"{need.lanes:,}",
    )


def _section(
    costs: Costs, points: Sequence[Prediction], wanted: Sequence[Need], found: Results
) -> str:
    missed = sum(not point.holds for point in points)
    verdict = f"{len(points) - missed} of {len(points)} points within {TOLERANCE:.0%}."
    sources = ", ".join(f"`{found[name]['file']}`" for name in SOURCES if name in found)
    return "\n".join(
        [
            _costs_text(costs),
            "",
            *_markdown(("point", "measured", "predicted", "error"), map(_point_row, points)),
            "",
            f"{verdict} Fitted to {sources}.",
            "",
            *_markdown(_NEED_HEADINGS, map(_need_row, wanted)),
        ]
    )


def _markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]
