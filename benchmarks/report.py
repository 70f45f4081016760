"""Targets, measured figures and verdicts as one table, and the pictures: from the newest raw results."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import results
from benchmarks.errors import BenchmarkError
from benchmarks.marks import inserted
from benchmarks.plots import Results, figures_of, plots
from benchmarks.targets import TARGETS
from benchmarks.verdicts import Verdict, judge

_ROOT = Path(__file__).parent.parent
PAGE = _ROOT / "docs" / "performance.md"
PICTURES = _ROOT / "docs" / "performance"
_HEADINGS = ("what", "target", "measured", "verdict")


def report(
    console: Console,
    *,
    write: bool,
    folder: Path = results.RESULTS,
    sizes: str = results.FULL,
) -> list[Verdict]:
    """Print the table; with `write`, put it and the pictures into the documentation.

    Raises:
        BenchmarkError: nothing was measured yet.
    """
    found = results.newest(folder, sizes)
    if not found:
        raise BenchmarkError(f"no {sizes} results in {folder}: measure first, `rollcall bench all`")
    verdicts = judge(TARGETS, figures_of(found))
    console.print(shown(verdicts))
    if write:
        PICTURES.mkdir(exist_ok=True)
        drawn = plots(found)
        for name, picture in drawn.items():
            (PICTURES / name).write_text(picture, encoding="utf-8")
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(inserted(page, section(verdicts, found, list(drawn))), encoding="utf-8")
        console.print(f"written: {PAGE} and {len(drawn)} pictures in {PICTURES}")
    return verdicts


def shown(verdicts: Sequence[Verdict]) -> Table:
    """The table for the terminal."""
    table = Table(*_HEADINGS)
    colours = {"reached": "[green]", "missed": "[red]", "not measured": "[dim]"}
    for verdict in verdicts:
        *cells, word = verdict.row
        table.add_row(*cells, f"{colours.get(word, '')}{word}")
    return table


def section(verdicts: Sequence[Verdict], found: Results, pictures: Sequence[str]) -> str:
    """What stands between the marks of the page."""
    rows = [f"| {' | '.join(_HEADINGS)} |", "|---|---|---|---|"]
    for verdict in verdicts:
        what, target, measured, word = verdict.row
        rows.append(f"| {what} | {target} | {measured} | {_emphasised(word)} |")
    sources = [
        f"| {name} | `{content['file']}` | {content['at']} | `{content.get('code', 'unknown')}` |"
        for name, content in sorted(found.items())
    ]
    images = [f"![{name.removesuffix('.svg')}](performance/{name})" for name in pictures]
    return "\n".join(
        [
            *rows,
            "",
            "Medians of the rounds, lowest and highest in brackets.",
            "",
            *(line for image in images for line in (image, "")),
            "| measurement | raw results | at | code |",
            "|---|---|---|---|",
            *sources,
        ]
    )


def _emphasised(word: str) -> str:
    return f"**{word}**" if word in ("reached", "missed") else word
