"""Ids are shown whole in every table, at a narrow terminal and through a pipe: they are copied from there."""

import uuid

import pytest

from rollcall_cluster.local.observation import Observation
from rollcall_cluster.local.tables import instance_table
from rollcall_cluster.tables import print_table, wide_console
from tests.unit.local.terminal import COLUMNS, narrow_terminal

PARTITION = "file.essay.content.provisioned.v1-11"
WHY = "position 1234567 is beyond the end of the log (0): the topic was recreated or truncated"
POSITIONS = {"PARTITION": False, "POSITION": True, "LOG": False, "WAITING": True, "REFUSED": False}


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))


def test_the_last_column_takes_what_room_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = narrow_terminal(monkeypatch)
    print_table(POSITIONS, [(PARTITION, 42, "0..123456", 0, WHY)])
    _, *lines = terminal.lines
    assert lines[0].startswith(f"{PARTITION}        42  0..123456        0  position")
    assert len(lines) > 1
    assert all(len(line) <= COLUMNS for line in lines)


def test_ids_that_are_wider_than_the_terminal_are_whole_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = narrow_terminal(monkeypatch)
    prefixed = f"staging.of.a.long.name.{PARTITION}"
    print_table(POSITIONS, [(prefixed, 123456789, "123456789..234567890", 111111101, WHY)])
    assert any(prefixed in line and "234567890" in line for line in terminal.lines)
    assert any("truncated" in line for line in terminal.lines)


def test_batches_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = narrow_terminal(monkeypatch)
    batch = uuid.uuid4()
    headings = {"BATCH": False, "STATE": False, "OPEN": True, "PENDING": True, "OLDEST": True}
    print_table(headings, [(batch, "not registered", 1000, 10_000, "119 min")])
    _, line = terminal.lines
    assert line == f"{batch}  not registered  1000    10000  119 min"


def test_the_identity_of_a_claim_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = narrow_terminal(monkeypatch)
    identity = "text-" + "x" * 95
    print_table({"KIND": False, "IDENTITY": False, "AGE": True}, [("content", identity, "3 d")])
    assert any(identity in line for line in terminal.lines)


def test_columns_that_can_be_spared_are_left_out_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = narrow_terminal(monkeypatch)
    headings = {"ID": False, "SEEN": False, "MESSAGE": False}
    spare = ("MESSAGE", "SEEN")
    for room in range(1, 80):
        print_table(headings, [("i" * room, "s" * 19, "m" * 200)], spare=spare)
        heading, line = terminal.lines
        assert line.startswith("i" * room)
        assert len(line) <= COLUMNS
        assert ("MESSAGE" in heading) == (room <= COLUMNS - 2 * 2 - 19 - 10)
        assert ("SEEN" in heading) == (room <= COLUMNS - 2 - 19)
        terminal.seek(0)
        terminal.truncate()


def test_lines_have_any_length_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(POSITIONS, [(PARTITION, 42, "0..0", 0, WHY), (PARTITION, 7, "0..9", 2, None)])
    heading, first, second = capsys.readouterr().out.splitlines()
    assert heading.split() == [*POSITIONS]
    assert first.endswith(f"  {WHY}")
    assert second == f"{PARTITION}         7  0..9        2  -"


def test_what_a_cell_says_is_neither_markup_nor_moves_the_cursor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = narrow_terminal(monkeypatch)
    print_table({"ID": False, "MESSAGE": False}, [("1", "\x1b[2J[red]gone\n[/red]")])
    assert terminal.lines[1] == "1   \ufffd[2J[red]gone\ufffd[/red]"


OBSERVED = Observation("replica-1", "running", 123456, 54321, "not ready: " + WHY, 12, 1234, 99.0)


def test_a_replica_is_named_in_one_line_whatever_its_health(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = narrow_terminal(monkeypatch)
    wide_console().print(instance_table([OBSERVED]))
    _, line, *_ = terminal.lines
    assert line.startswith("replica-1  running  123456  54321  not ready")
    assert line.split()[-3:] == ["12", "1234", "99"]


def test_a_replica_is_one_line_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    wide_console().print(instance_table([OBSERVED]))
    _, line = capsys.readouterr().out.splitlines()
    assert WHY in line
