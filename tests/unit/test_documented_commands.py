"""Every `rollcall` command line that the documentation shows could be given as it stands there."""

import re
import shlex
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from rollcall_cluster.cli import create_app

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^ *\$ rollcall (.*?)(?: +[#|>].*)?$", re.MULTILINE)
SHOWN = sorted(
    {
        line
        for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for line in LINE.findall(page.read_text())
    }
)


def test_commands_and_their_options_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ROLLCALL_HOME", str(tmp_path))
    wrong = {line: unknown for line in SHOWN if (unknown := _unknown(shlex.split(line)))}
    assert len(SHOWN) > 40
    assert wrong == {}


def _unknown(words: list[str]) -> list[str]:
    """Options that the command does not have; a command that is none raises."""
    command = get_command(create_app())
    while isinstance(command, TyperGroup):
        context = command.make_context(None, words, resilient_parsing=True)
        _, command, words = command.resolve_command(context, words)
        assert command is not None, words
    known = {name for given in command.params for name in (*given.opts, *given.secondary_opts)}
    return [word for word in words if re.match(r"-[-a-z]", word) and word not in known]
