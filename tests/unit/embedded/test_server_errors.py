"""Errors of embedded servers say what, why and what to do."""

from pathlib import Path

from rollcall_cluster.embedded import EmbeddedServerError


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
