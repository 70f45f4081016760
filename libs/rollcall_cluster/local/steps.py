"""Shows a command's steps: one changing line on a terminal, one line each elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from rollcall_cluster.local.readiness import Report


@contextmanager
def shown_steps(done: str) -> Iterator[Report]:
    """Give the function that reports a step; at the end, print `done` with the time it all took."""
    console = Console(stderr=True)
    began = time.monotonic()
    with console.status("") as status:
        latest = ""

        def report(step: str) -> None:
            nonlocal latest
            if console.is_terminal:
                status.update(escape(step))
            elif step != latest:
                console.print(step, markup=False)
            latest = step

        yield report
    console.print(f"{done} in {time.monotonic() - began:.1f} s")
