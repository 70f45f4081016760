"""Options that every order has, and how commands are grouped and print."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
import typer
from rich.console import Console
from rich.table import Table

from rollcall.operations.audit import Order
from rollcall_cluster.dlq.deployment import operator

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; tell what would be.")]
By = Annotated[str | None, typer.Option(help="Who decides; by default you, on this machine.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit.")]


def group_of(commands: Mapping[str, Callable[..., Any]], summary: str, epilog: str) -> typer.Typer:
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


def order_of(by: str | None, reason: str, dry_run: bool) -> Order:
    """What was typed, as an order."""
    return Order(by or operator(), reason, dry_run)


def moment(text: str) -> datetime:
    """Read an ISO 8601 time; one without zone is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no ISO 8601 time, like 2026-03-01T12:00") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def print_json(document: Any) -> None:
    """Print a document for programs."""
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str).decode())


def print_table(headings: Mapping[str, bool], rows: list[tuple[object, ...]]) -> None:
    """Print rows for people; a heading's value says whether its column is one of numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    last = [*headings][-1]
    for heading, is_number in headings.items():
        justify: Literal["right", "left"] = "right" if is_number else "left"
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=heading != last)
    for row in rows:
        table.add_row(*("-" if cell is None else printable(str(cell)) for cell in row))
    Console(markup=False).print(table)


def printable(text: str) -> str:
    """The text without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
