"""What is printed to a terminal of 80 columns."""

import io
import re

import pytest

COLUMNS = 80
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    """Stands in for standard output that leads to a terminal."""

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        """What was printed, without colours and spaces at the end."""
        return [line.rstrip() for line in _ESCAPES.sub("", self.getvalue()).splitlines()]


def narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Have standard output be one."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    monkeypatch.setenv("TERM", "xterm")
    return terminal
