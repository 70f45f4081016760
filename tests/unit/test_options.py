"""Options that many commands have."""

from datetime import UTC, datetime

import pytest
import typer
from typer.testing import CliRunner

from rollcall_cluster.hand.audit_command import audit_commands
from rollcall_cluster.options import moment


@pytest.mark.parametrize("text", ["2026-03-01T12:00", "2026-03-01T14:00+02:00"])
def test_a_time_is_read_in_utc(text: str) -> None:
    assert moment(text) == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
def test_a_time_that_utc_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="out of range"):
        moment(text)


@pytest.mark.parametrize(
    "arguments",
    [["show", str(2**63 - 1)], ["show", "9" * 30], ["list", "--after", str(2**63)]],
)
def test_an_entry_that_no_audit_can_have_is_refused(arguments: list[str]) -> None:
    done = CliRunner().invoke(audit_commands(), arguments)
    assert done.exit_code == 2
    assert "Invalid value for" in done.output
