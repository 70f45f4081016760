"""Options that many commands have, what is made of them, and how commands are grouped."""

import getpass
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any

import typer

from rollcall.operations.audit import Order

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; tell what would be.")]
By = Annotated[str | None, typer.Option(help="Who decides; by default you, on this machine.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit.")]


def group_of(
    commands: Mapping[str, Callable[..., Any]], summary: str, epilog: str | None = None
) -> typer.Typer:
    """A group of commands."""
    group = typer.Typer(
        help=summary,
        epilog=epilog,
        no_args_is_help=True,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, command in commands.items():
        group.command(name)(command)
    return group


def try_folder(out: Path | None) -> None:
    """Make the folder for a report and see that it can be written to, before there is any.

    Raises:
        typer.BadParameter: it cannot.
    """
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise typer.BadParameter(f"cannot write there: {error}", param_hint="--out") from error


def order_of(by: str | None, reason: str, dry_run: bool) -> Order:
    """What was typed, as an order."""
    return Order(by or operator(), reason, dry_run)


def operator() -> str:
    """Whom to name as the one who decided: this user on this machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def moment(text: str) -> datetime:
    """Read an ISO 8601 time; one without zone is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no ISO 8601 time, like 2026-03-01T12:00") from None
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is out of range in UTC") from None
