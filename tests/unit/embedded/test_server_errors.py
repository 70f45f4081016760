"""Errors of embedded servers say what, why and what to do."""

from pathlib import Path

import pytest

from rollcall_cluster.embedded import EmbeddedServerError
from rollcall_cluster.embedded.errors import log_tail


def test_the_message_holds_the_remedy_and_the_end_of_the_log(tmp_path: Path):
    """Of a long log, only the end is shown."""
    log = tmp_path / "postgres.log"
    log.write_text("".join(f"line {number}\n" for number in range(1000)))
    message = str(EmbeddedServerError("postgres ended", "look at it", log))
    assert message.startswith("postgres ended")
    assert message.endswith("Remedy: look at it")
    assert "line 999" in message
    assert "line 900" not in message


def test_a_missing_log_is_left_out(tmp_path: Path):
    """The error of a server that never wrote a log is still readable."""
    error = EmbeddedServerError("redis ended", "look at it", tmp_path / "none.log")
    assert str(error) == "redis ended\nRemedy: look at it"


@pytest.mark.parametrize("count", [1, 1000, 4999, 5000, 6000])
@pytest.mark.parametrize("end", ["", "\n"])
def test_as_many_lines_are_read_as_were_asked_for(tmp_path: Path, count: int, end: str):
    """However long they are."""
    written = [f"line {number} " + "x" * (number % 200) for number in range(5000)]
    log = tmp_path / "els-1.log"
    log.write_text("\n".join(written) + end)
    assert log_tail(log, count).splitlines() == written[-count:]
