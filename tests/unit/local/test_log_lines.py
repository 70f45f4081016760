"""Lines of several logs, chosen by correlation id."""

import json
from pathlib import Path

from rollcall_cluster.local.log_lines import Line, all_lines, of_correlation, told, told_in_columns

MINE = "0c9a7a52-5f0e-4f3b-8f0a-6d1f1c2b3a44"
OTHER = "1c9a7a52-5f0e-4f3b-8f0a-6d1f1c2b3a44"


def line(writer: str, second: int, event: str, correlation_id: str = MINE) -> Line:
    """A structured line."""
    fields = {
        "correlation_id": correlation_id,
        "event": event,
        "level": "info",
        "batch_id": "b",
        "timestamp": f"2026-11-21T12:00:{second:02}.123456Z",
    }
    return Line(writer, json.dumps(fields))


def test_the_lines_of_all_writers_come_by_time() -> None:
    lines = [
        line("els-1", 3, "batch_completed"),
        Line("els-1", "{ no JSON " + MINE),
        Line("els-1", "Traceback " + MINE),
        Line("els-1", json.dumps({"event": "mentions " + MINE})),
        line("els-2", 1, "batch_registered"),
        line("els-2", 2, "batch_registered", OTHER),
        line("els-3", 2, "excess"),
    ]
    found = of_correlation(lines, MINE)
    assert [one.writer for one in found] == ["els-2", "els-3", "els-1"]


def test_a_line_is_told_for_people_and_for_programs() -> None:
    one = line("els-1", 1, "excess")
    assert told_in_columns(one) == "2026-11-21 12:00:01.123  els-1   info      excess  batch_id=b"
    assert json.loads(told(one, as_json=True)) == {"writer": "els-1", **json.loads(one.text)}
    assert json.loads(told(Line("redis", "ready"), as_json=True)) == {
        "writer": "redis",
        "text": "ready",
    }
    assert told(Line("redis", "ready"), as_json=False) == "redis | ready"


def test_a_log_is_read_up_to_where_it_will_be_followed_from(tmp_path: Path) -> None:
    log = tmp_path / "els-1.log"
    log.write_text("one\ntwo\nthree\n")
    files = {"els-1": log, "els-2": tmp_path / "absent.log"}
    found = all_lines(files, {"els-1": len("one\ntwo\n"), "els-2": 0})
    assert [one.text for one in found] == ["one", "two"]
