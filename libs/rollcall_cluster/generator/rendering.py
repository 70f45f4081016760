"""Shows a summary to people and to programs."""

import json

from rich.console import Console
from rich.table import Table

from rollcall_cluster.generator.expectation import Expectation
from rollcall_cluster.generator.record import Kind
from rollcall_cluster.generator.summary import Summary


def print_summary(summary: Summary, *, as_json: bool) -> None:
    """Print on standard output."""
    console = Console()
    if as_json:
        console.out(json.dumps(summary.as_json(), indent=2), highlight=False)
        return
    ended = "interrupted after" if summary.interrupted else "sent"
    console.print(
        f"{ended} {summary.records:,} events in {summary.seconds:.1f} s"
        f" ({summary.records_per_second:,.0f}/s, {summary.bytes_sent / 1e6:,.1f} MB),"
        f" seed {summary.seed}"
    )
    if summary.content_store is not None:
        told = f"{summary.essays_written:,} essays written to {summary.content_store}"
        console.print(told, markup=False)
    console.print(_sent_table(summary))
    if summary.expected is not None:
        console.print(_expected_table(summary.expected))


def _sent_table(summary: Summary) -> Table:
    table = Table("sent", "events", title=None)
    table.columns[1].justify = "right"
    for kind in Kind:
        table.add_row(kind.value, f"{summary.sent.get(kind, 0):,}")
    return table


def _expected_table(expected: Expectation) -> Table:
    table = Table("expected of the service", "count")
    table.columns[1].justify = "right"
    rows = {
        "slots filled": expected.slots_filled,
        "slots failed": expected.slots_failed,
        "excess contents": expected.excess_contents,
        "batches completed": f"{expected.completions:,}",
        "batches with validation errors": expected.batches_with_errors,
        "dead letters": f"{expected.dead_letters:,}",
        "unknown events skipped": f"{expected.skipped:,}",
    }
    for name, count in rows.items():
        table.add_row(name, str(count))
    return table
