"""How far a purge is: a bar on a terminal, nothing elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars


class Progress(Protocol):
    """Told how many batches there are, and how many have been dealt with."""

    def begin(self, total: int) -> None:
        """There are so many."""

    def advance(self, batches: int) -> None:
        """So many more are dealt with."""


class Silent:
    """Tells nobody."""

    def begin(self, total: int) -> None:
        """Nothing."""

    def advance(self, batches: int) -> None:
        """Nothing."""


class _Shown:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task = bars.add_task("purging batches", total=None)

    def begin(self, total: int) -> None:
        """Set the length of the bar."""
        self._bars.update(self._task, total=total)

    def advance(self, batches: int) -> None:
        """Move the bar on."""
        self._bars.update(self._task, advance=batches)


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A bar on a terminal's standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Silent()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        yield _Shown(bars)
