"""What orders and their audit print: JSON for programs, tables for people."""

from collections.abc import Mapping
from typing import Any, Literal

import orjson
import typer
from rich.console import Console
from rich.table import Table


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
