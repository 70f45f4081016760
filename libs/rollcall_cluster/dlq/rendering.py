"""Dead letters for people."""

from collections.abc import Iterator, Sequence

import orjson
from rich.console import Console
from rich.table import Table

from rollcall.dead_letters.letter import Letter, LetterCount, LetterId, LetterSummary
from rollcall.dead_letters.operations import Outcome
from rollcall_cluster.dlq.documents import parsed

_SHOWN_BYTES = 4096
_SHOWN_UNTOUCHED = 20
_HEX_COLUMNS = 16


def print_listing(
    counts: Sequence[LetterCount], page: Sequence[LetterSummary], following: LetterId | None
) -> None:
    """Print counts, then one page."""
    console = Console(markup=False)
    if not counts:
        console.print("no dead letters match")
        return
    console.print(_counts(counts))
    if page:
        console.print()
        console.print(_letters(page))
    if following:
        console.print(f"\nthere are more: --after {following}", soft_wrap=True)


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
        yield from map(_printable, text[:_SHOWN_BYTES].split("\n"))
        rest = len(text) - _SHOWN_BYTES
    else:
        yield from _hex(value[:_SHOWN_BYTES])
        rest = len(value) - _SHOWN_BYTES
    if rest > 0:
        yield f"... {rest} more; --json has it whole"


def _counts(counts: Sequence[LetterCount]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("COUNT", justify="right")
    for heading in ("ERROR TYPE", "FINGERPRINT", "STATE"):
        table.add_column(heading)
    for count in counts:
        table.add_row(
            str(count.letters), count.error_type, count.stack_fingerprint or "-", count.state
        )
    return table


def _letters(page: Sequence[LetterSummary]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("ID", overflow="fold")
    for heading in ("STATE", "ERROR TYPE", "LAST SEEN"):
        table.add_column(heading, no_wrap=True)
    table.add_column("MESSAGE", no_wrap=True, overflow="ellipsis")
    for letter in page:
        table.add_row(
            str(letter.id),
            letter.state,
            letter.error_type,
            f"{letter.last_seen_at:%Y-%m-%d %H:%M:%S}",
            _printable(letter.error_message),
        )
    return table


def _lines(letter: Letter) -> Iterator[str]:
    seen = letter.summary
    yield f"{seen.id}  {seen.state}"
    yield f"error        {seen.error_type}: {_printable(seen.error_message)}"
    yield f"fingerprint  {seen.stack_fingerprint or '-'}"
    yield f"attempts     {seen.attempts}, by {letter.instance_id}"
    yield f"seen         {seen.first_seen_at:%Y-%m-%d %H:%M:%S} to {seen.last_seen_at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"produced     {letter.record_timestamp or '-'}"
    yield f"key          {_bytes(letter.key)}"
    for name, value in letter.headers:
        yield f"header       {_printable(name)} = {_bytes(value)}"
    for step in letter.bisection_trace:
        yield f"bisection    {_printable(step)}"
    for entry in letter.history:
        said = f": {_printable(entry.reason)}" if entry.reason else ""
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


def _printable(text: str) -> str:
    """The text without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
