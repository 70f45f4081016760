"""The bar of `rollcall generate`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from rollcall_cluster.generator.generate import OnProgress
from rollcall_cluster.generator.plan import Plan
from rollcall_cluster.generator.sizing import batch_sizes

_REFRESH_SECONDS = 0.1


@contextmanager
def shown_progress(plan: Plan) -> Iterator[OnProgress]:
    """Show events sent, of how many, and the rate, on a terminal's standard error; nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (
        TextColumn("generating"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        total = sum(size.records for size in batch_sizes(plan))
        task = bars.add_task("generating", total=total, rate="")
        refreshed = began = time.perf_counter()

        def advance(sent: int) -> None:
            nonlocal refreshed
            now = time.perf_counter()
            if now - refreshed > _REFRESH_SECONDS:
                refreshed = now
                bars.update(task, completed=sent, rate=f"{sent / (now - began):,.0f} events/s")

        yield advance
