"""Tables of ids for people. An id is shown whole, whatever the width: it is copied into the next command."""

from collections.abc import Iterable, Mapping, Sequence

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

_SPACE = "  "
_LEAST_OF_LAST = 10
_UNLIMITED = 100_000


def print_table(
    headings: Mapping[str, bool], rows: Iterable[Sequence[object]], spare: Sequence[str] = ()
) -> None:
    """Print rows; a heading's value says whether its column is one of numbers.

    At a terminal the last column takes what room is left, in several lines if need be; one of `spare` is
    shortened instead. Where that is not enough, those of `spare` are left out, the first one first.
    Through a pipe lines have any length.
    """
    shown = [["-" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    columns = {heading: [row[number] for row in shown] for number, heading in enumerate(headings)}
    console = Console(markup=False)
    if console.is_terminal:
        _print_at(console, headings, columns, spare)
    else:
        _print_lines(headings, columns)


def wide_console() -> Console:
    """A console as wide as its terminal; without a terminal, as wide as what is printed."""
    console = Console()
    if not console.is_terminal:
        console.size = (_UNLIMITED, console.height)
    return console


def printable(text: str) -> str:
    """The text without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _print_at(
    console: Console,
    headings: Mapping[str, bool],
    columns: dict[str, list[str]],
    spare: Sequence[str],
) -> None:
    kept = dict(columns)
    *_, last = kept
    for heading in spare:
        if _least(kept, last) > console.width:
            del kept[heading]
    console.size = (max(console.width, _least(kept, last)), console.height)
    room = console.width - sum(_width(each, kept) + len(_SPACE) for each in kept if each != last)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in kept:
        table.add_column(
            heading,
            justify="right" if headings[heading] else "left",
            no_wrap=heading != last or heading in spare,
            overflow="ellipsis" if heading in spare else "fold",
            max_width=room if heading == last else None,
        )
    for row in zip(*kept.values(), strict=True):
        table.add_row(*row)
    console.print(table)


def _print_lines(headings: Mapping[str, bool], columns: dict[str, list[str]]) -> None:
    aligned = []
    for heading, cells in columns.items():
        width = _width(heading, columns)
        fill = str.rjust if headings[heading] else str.ljust
        aligned.append([fill(cell, width) for cell in (heading, *cells)])
    for row in zip(*aligned, strict=True):
        typer.echo(_SPACE.join(row).rstrip())


def _least(columns: Mapping[str, Sequence[str]], last: str) -> int:
    """The width below which more than the `last` column would have to be cut."""
    widths = {heading: _width(heading, columns) for heading in columns}
    if last in widths:
        widths[last] = min(widths[last], _LEAST_OF_LAST)
    return sum(widths.values()) + len(_SPACE) * (len(widths) - 1)


def _width(heading: str, columns: Mapping[str, Sequence[str]]) -> int:
    return max(cell_len(cell) for cell in (heading, *columns[heading]))
