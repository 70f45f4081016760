"""`rollcall verify`: audits a deployment and tells what holds."""

import asyncio
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars

from rollcall.access.environment import explained_settings
from rollcall.cancellation import end
from rollcall.errors import ConfigurationError
from rollcall_cluster.auditor.audit import AuditOptions, verify
from rollcall_cluster.auditor.errors import CannotAuditError
from rollcall_cluster.auditor.progress import Progress, Silent
from rollcall_cluster.auditor.rendering import print_report
from rollcall_cluster.auditor.report import AuditReport
from rollcall_cluster.auditor.target import AuditTarget
from rollcall_cluster.deployment_options import (
    BootstrapServers,
    ConsumerGroup,
    Dsn,
    Schema,
    TopicPrefix,
    given_settings,
)

CANNOT_AUDIT = 2
"""Exit code of an audit that could not be made."""
_ENDING = (signal.SIGTERM, signal.SIGHUP)


def verify_command(
    bootstrap_servers: BootstrapServers = None,
    dsn: Dsn = None,
    schema: Schema = None,
    topic_prefix: TopicPrefix = None,
    consumer_group: ConsumerGroup = None,
    wait: Annotated[
        bool, typer.Option(help="Wait for rest, or check only what holds at any moment.")
    ] = True,
    wait_seconds: Annotated[float, typer.Option(min=0, help="How long to wait for rest.")] = 60.0,
    at_rest: Annotated[
        bool, typer.Option("--at-rest", help="Exit 2 if rest does not come in time.")
    ] = False,
    sweep_seconds: Annotated[
        float, typer.Option(min=0, help="With --no-wait: age at which something pending is wrong.")
    ] = 60.0,
    examples: Annotated[int, typer.Option(min=0, help="Examples shown of each violation.")] = 5,
    scratch_directory: Annotated[
        Path | None, typer.Option(help="For the temporary database: ~600 bytes for each event.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Reader processes; by default as many as pay off.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check every invariant of a deployment, read-only: Kafka input, database, Kafka output.

    Exit code 0: all hold; 1: some are violated; 2: the deployment could not be checked.
    """
    given = given_settings(bootstrap_servers, dsn, schema, topic_prefix, consumer_group)
    options = AuditOptions(
        wait=wait,
        wait_seconds=wait_seconds,
        require_rest=at_rest,
        sweep_seconds=sweep_seconds,
        max_examples=examples,
        scratch_directory=scratch_directory,
        workers=workers,
    )
    try:
        report = _audit(given, options)
        if as_json:
            typer.echo(report.model_dump_json(indent=2))
        else:
            print_report(report, Console())
    except _EndedError as ended:
        raise typer.Exit(128 + ended.args[0]) from None
    # Whatever it is, it must not exit with 1, which says that an invariant is violated.
    except Exception as error:
        typer.echo(f"could not check: {_explained(error)}", err=True)
        raise typer.Exit(CANNOT_AUDIT) from error
    raise typer.Exit(report.exit_code)


def _audit(given: Mapping[str, Any], options: AuditOptions) -> AuditReport:
    target = AuditTarget(**given)
    with _progress() as progress:
        return asyncio.run(_verify(target, options, progress))


def _explained(error: Exception) -> str:
    if isinstance(error, (CannotAuditError, ConfigurationError, ValidationError)):
        return explained_settings(error) or str(error)
    return f"{type(error).__name__}: {error}"


class _EndedError(Exception):
    """Told to end by a signal, whose number it has."""


async def _verify(target: AuditTarget, options: AuditOptions, progress: Progress) -> AuditReport:
    """SIGTERM and SIGHUP end it as Ctrl-C does: what it has on disk goes."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[int] = loop.create_future()

    def end_with(number: int) -> None:
        if not told.done():
            told.set_result(number)

    if threading.current_thread() is threading.main_thread():
        for number in _ENDING:
            if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
                loop.add_signal_handler(number, end_with, number)
    audit = asyncio.create_task(verify(target, options, progress))
    try:
        either: list[asyncio.Future[Any]] = [audit, told]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended = not audit.done()
        await end(audit)
    if ended:
        raise _EndedError(told.result())
    return audit.result()


@contextmanager
def _progress() -> Iterator[Progress]:
    """Bars on a terminal's standard error; nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Silent()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        yield _Shown(bars)


class _Shown:
    """One bar for each stage, with its rate."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def begin(self, stage: str, total: int | None) -> None:
        """End the bar of the last stage and begin another."""
        self._end()
        self._task = self._bars.add_task(stage, total=total, rate="")

    def advance(self, steps: int) -> None:
        """Move the bar on."""
        if self._task is not None:
            speed = self._bars.tasks[self._task].speed
            rate = f"{speed:,.0f}/s" if speed else ""
            self._bars.update(self._task, advance=steps, rate=rate)

    def _end(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[self._task]
            self._bars.update(self._task, total=task.completed or 1, completed=task.completed or 1)
