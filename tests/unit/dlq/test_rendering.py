"""Dead letters on paper: readable, bounded, harmless to a terminal, and parseable as JSON."""

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.dead_letters.letter import AuditEntry, Letter, LetterCount, LetterId, LetterSummary
from rollcall.dead_letters.operations import Outcome
from rollcall.dead_letters.redrive import Untouched
from rollcall_cluster.dlq.documents import letter_document, listing_document, outcome_document
from rollcall_cluster.dlq.rendering import (
    print_letter,
    print_listing,
    print_outcome,
    value_lines,
)
from tests.unit.local.terminal import COLUMNS, narrow_terminal

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SUMMARY = LetterSummary(
    LetterId("t", 1, 7), "discarded", "KeyError", "no such key", "9f2c", 3, AT, AT, 12
)
LETTER = Letter(
    SUMMARY,
    key=b"\x00",
    value=b'{"a": 1}',
    headers=[("trace", None), ("name", b"value")],
    record_timestamp=None,
    bisection_trace=["t-1@0..t-1@9: KeyError()"],
    instance_id="finder",
    history=[AuditEntry(AT, "ops", "discard", "test data", "dead", "discarded")],
)


def test_json_is_indented() -> None:
    assert list(value_lines(b'{"a":[1]}')) == ["{", '  "a": [', "    1", "  ]", "}"]


def test_other_bytes_are_shown_in_hexadecimal() -> None:
    (line,) = value_lines(b"\x00not JSON")
    assert line.startswith("00000000  00 6e 6f 74 20 4a 53 4f 4e ")
    assert line.endswith(" .not JSON")


def test_a_missing_value_is_no_empty_one() -> None:
    assert list(value_lines(None)) == ["(none)"]
    assert list(value_lines(b"")) == []


@given(
    st.binary(max_size=20_000)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=50).map(orjson.dumps)
)
def test_any_value_is_shown_in_bounds_and_without_control_characters(value: bytes) -> None:
    lines = list(value_lines(value))
    assert len(lines) <= 4097
    assert all(line.isprintable() for line in lines)


def test_brackets_in_a_message_are_listed_as_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    message = "Field required [type=missing, input_value={}] [/b]"
    print_listing([], [], None)
    print_listing(
        [LetterCount("ValidationError", "9f2c", "dead", 1)],
        [replace(SUMMARY, error_message=message)],
        None,
    )
    assert message in capsys.readouterr().out


def test_a_letter_is_shown_with_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    print_letter(LETTER)
    shown = capsys.readouterr().out
    for part in ("t-1@7", "KeyError", "0x00", "trace = (none)", "t-1@0..t-1@9", "test data"):
        assert part in shown


def test_what_a_record_says_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = replace(SUMMARY, error_message="\x1b[2J[red]gone")
    print_letter(replace(LETTER, summary=hostile, headers=[("\x1b[2J", b"\x1b[2J")]))
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "[red]gone" in shown


def test_json_documents_hold_everything() -> None:
    letter = orjson.loads(letter_document(LETTER))
    assert (letter["id"], letter["offset"], letter["key_base64"]) == ("t-1@7", 7, "AA==")
    assert (letter["value_json"], letter["history"][0]["operator"]) == ({"a": 1}, "ops")
    counts = [LetterCount("KeyError", "9f2c", "dead", 4), LetterCount("other", None, "dead", 1)]
    listing = orjson.loads(listing_document(counts, [SUMMARY], SUMMARY.id))
    assert (listing["total"], listing["after"]) == (5, "t-1@7")


def test_an_outcome_names_what_was_left_and_does_not_flood(
    capsys: pytest.CaptureFixture[str],
) -> None:
    left = [Untouched(LetterId("t", 0, offset), "too large") for offset in range(100)]
    outcome = Outcome(AT, touched=2, by_error={"KeyError": 2}, untouched=left)
    print_outcome(outcome, "redriven", dry_run=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "2 would be redriven",
        "  2  KeyError",
        "left as it is: t-0@0: too large",
    ]
    assert lines[-1] == "left as they are: 80 more"
    assert len(orjson.loads(outcome_document(outcome, "redriven", True))["untouched"]) == 100


WIDE = LetterSummary(
    LetterId("file.essay.content.provisioned.v1", 11, 123456),
    "dead",
    "ValidationError",
    "a message of [some] length " * 9,
    "9f2c",
    1,
    AT,
    AT,
    12,
)
SHORT = replace(WIDE, id=LetterId("short.v1", 1, 7))
COUNTS = [LetterCount("ValidationError", "9f2c5a7b9f2c5a7b", "dead", 2)]


def test_a_listing_shows_whole_ids_at_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = narrow_terminal(monkeypatch)
    print_listing(COUNTS, [WIDE, SHORT], SHORT.id)
    lines = terminal.lines
    assert lines[1].split() == ["2", "ValidationError", "9f2c5a7b9f2c5a7b", "dead"]
    assert lines[3].split() == ["ID", "STATE", "ERROR", "TYPE"]
    assert lines[4].split() == [str(WIDE.id), "dead", "ValidationError"]
    assert lines[5].split() == [str(SHORT.id), "dead", "ValidationError"]
    assert lines[7] == f"there are more: --after {SHORT.id}"


def test_a_message_is_shortened_to_the_room_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = narrow_terminal(monkeypatch)
    print_listing(COUNTS, [SHORT], None)
    line = terminal.lines[4]
    assert line.startswith("short.v1-1@7  dead ")
    assert "2026-03-01 12:00:00  a message of [some]" in line
    assert line.endswith("\u2026")
    assert len(line) == COLUMNS


def test_a_listing_through_a_pipe_has_all_in_one_line_for_each_letter(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    print_listing(COUNTS, [WIDE], None)
    *_, line = capsys.readouterr().out.splitlines()
    assert line == (
        f"{WIDE.id}  dead   ValidationError  2026-03-01 12:00:00  {WIDE.error_message.strip()}"
    )


def test_nothing_found_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_listing([], [], None)
    assert capsys.readouterr().out == "no dead letters match\n"
