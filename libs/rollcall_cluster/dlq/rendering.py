"""Dead letters for people."""

from collections.abc import Iterator, Sequence

import orjson
import typer
from rich.console import Console

from rollcall.dead_letters.letter import Letter, LetterCount, LetterId, LetterSummary
from rollcall.dead_letters.operations import Outcome
from rollcall_cluster.dlq.documents import parsed
from rollcall_cluster.tables import print_table, printable

_SHOWN_BYTES = 4096
_SHOWN_UNTOUCHED = 20
_HEX_COLUMNS = 16
_LETTER = ("ID", "STATE", "ERROR TYPE", "LAST SEEN", "MESSAGE")


def print_listing(
    counts: Sequence[LetterCount], page: Sequence[LetterSummary], following: LetterId | None
) -> None:
    """Print counts, then one page."""
    if not counts:
        typer.echo("no dead letters match")
        return
    print_table(
        {"COUNT": True, "ERROR TYPE": False, "FINGERPRINT": False, "STATE": False},
        [(each.letters, each.error_type, each.stack_fingerprint, each.state) for each in counts],
    )
    if page:
        typer.echo()
        print_table(dict.fromkeys(_LETTER, False), map(_row, page), spare=("MESSAGE", "LAST SEEN"))
    if following:
        typer.echo(f"\nthere are more: --after {following}")


def print_letter(letter: Letter) -> None:
    """Print everything that is known of one dead letter."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for line in _lines(letter):
        console.print(line)


def print_outcome(outcome: Outcome, verb: str, dry_run: bool) -> None:
    """Print how many were touched, and what was not."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"{outcome.touched} {'would be ' if dry_run else ''}{verb}")
    for error_type, letters in sorted(outcome.by_error.items()):
        console.print(f"  {letters}  {error_type}")
    for letter in outcome.untouched[:_SHOWN_UNTOUCHED]:
        console.print(f"left as it is: {letter.id}: {letter.reason}")
    if (rest := len(outcome.untouched) - _SHOWN_UNTOUCHED) > 0:
        console.print(f"left as they are: {rest} more")


def value_lines(value: bytes | None) -> Iterator[str]:
    """A value for reading: indented if it is JSON, otherwise in hexadecimal; long ones are cut."""
    if value is None:
        yield "(none)"
        return
    document = parsed(value)
    if document is not None:
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
        yield from map(printable, text[:_SHOWN_BYTES].split("\n"))
        rest = len(text) - _SHOWN_BYTES
    else:
        yield from _hex(value[:_SHOWN_BYTES])
        rest = len(value) - _SHOWN_BYTES
    if rest > 0:
        yield f"... {rest} more; --json has it whole"


def _row(letter: LetterSummary) -> tuple[object, ...]:
    last_seen = f"{letter.last_seen_at:%Y-%m-%d %H:%M:%S}"
    return letter.id, letter.state, letter.error_type, last_seen, letter.error_message


def _lines(letter: Letter) -> Iterator[str]:
    seen = letter.summary
    yield f"{seen.id}  {seen.state}"
    yield f"error        {seen.error_type}: {printable(seen.error_message)}"
    yield f"fingerprint  {seen.stack_fingerprint or '-'}"
    yield f"attempts     {seen.attempts}, by {letter.instance_id}"
    yield f"seen         {seen.first_seen_at:%Y-%m-%d %H:%M:%S} to {seen.last_seen_at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"produced     {letter.record_timestamp or '-'}"
    yield f"key          {_bytes(letter.key)}"
    for name, value in letter.headers:
        yield f"header       {printable(name)} = {_bytes(value)}"
    for step in letter.bisection_trace:
        yield f"bisection    {printable(step)}"
    for entry in letter.history:
        said = f": {printable(entry.reason)}" if entry.reason else ""
        yield f"history      {entry.at:%Y-%m-%d %H:%M:%S} {entry.state_after} by {entry.operator}{said}"
    yield f"value        {len(letter.value or b'')} bytes"
    yield from value_lines(letter.value)


def _bytes(content: bytes | None) -> str:
    if content is None:
        return "(none)"
    text = content.decode(errors="replace")
    return text if text.isprintable() and "\ufffd" not in text else f"0x{content.hex()}"


def _hex(value: bytes) -> Iterator[str]:
    for offset in range(0, len(value), _HEX_COLUMNS):
        part = value[offset : offset + _HEX_COLUMNS]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        yield f"{offset:08x}  {part.hex(' '):<{3 * _HEX_COLUMNS}} {shown}"
