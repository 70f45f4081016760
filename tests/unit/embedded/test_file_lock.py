"""One process at a time holds a lock on a file; whoever waits in vain is told whom for."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollcall_cluster.embedded.errors import EmbeddedServerError
from rollcall_cluster.embedded.file_lock import file_lock, lock_within

_HOLD = """
import pathlib, sys
from rollcall_cluster.embedded.file_lock import file_lock
with file_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.lock"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_whoever_waits_in_vain_is_told_who_holds_it(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    waiting = pytest.raises(EmbeddedServerError, match=f"process {holder.pid} has held {path}")
    with waiting, file_lock(path, patience_seconds=0.1):
        pass


def test_a_lock_ends_with_its_holder(path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    with file_lock(path, patience_seconds=30):
        assert path.read_text(encoding="utf-8").startswith("process ")


def test_it_is_waited_for(path: Path, holder: subprocess.Popen[str]) -> None:
    assert holder.stdin is not None
    holder.stdin.close()
    with file_lock(path, patience_seconds=30):
        assert holder.wait(30) == 0


def test_a_lock_is_free_again_after_an_error(path: Path) -> None:
    with pytest.raises(ValueError, match="mine"), file_lock(path):
        raise ValueError("mine")
    with file_lock(path, patience_seconds=0):
        pass


def test_a_file_that_says_something_else_names_no_process(path: Path) -> None:
    path.write_text('{"20000": 1}', encoding="utf-8")
    with path.open("r+", encoding="utf-8") as mine, path.open("r+", encoding="utf-8") as theirs:
        lock_within(mine)
        with pytest.raises(EmbeddedServerError, match="another process has held"):
            lock_within(theirs, patience_seconds=0)
