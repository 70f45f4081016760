"""Python programs forked from a process that has imported what they share, but nothing of the product.

Importing pytest and the libraries takes longer than most of the tests that miss a guard.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# What the product and its tests import, and nothing that imports the product.
_LIBRARIES = (
    "aiokafka",
    "aiokafka.admin",
    "asyncpg",
    "dishka",
    "fastapi",
    "httpx",
    "hypothesis.stateful",
    "orjson",
    "prometheus_client",
    "psutil",
    "psycopg",
    "pydantic_settings",
    "pytest",
    "pytest_asyncio",
    "pytest_timeout",
    "structlog",
    "uvicorn",
    "uvloop",
    "yoyo",
    "zstandard",
)


@dataclass(frozen=True)
class Program:
    """A module to run as a program, with what it sees of the world."""

    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    import_first: tuple[str, ...]
    """Folders to import from before all others."""
    limit_seconds: int = 120
    """It is killed if it has not ended by then."""


@dataclass(frozen=True)
class Ended:
    """How a program ended, and all that it wrote."""

    exit_code: int
    output: str


class Forks:
    """Runs programs, one at a time, each in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]", directory: Path) -> None:
        self._process = process
        self._output = directory / "output"

    @classmethod
    @contextmanager
    def open(cls, directory: Path) -> Iterator[Self]:
        """Start the process that the others are forked from."""
        with subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield cls(process, directory)

    def run(self, program: Program) -> Ended:
        """Run a program to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {**vars(program), "output": str(self._output)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        exit_code = int(self._process.stdout.readline())
        return Ended(exit_code, self._output.read_text())


def _serve() -> None:
    """Fork for each line of orders; answer with the exit code."""
    for library in _LIBRARIES:
        __import__(library)
    for line in sys.stdin:
        order = json.loads(line)
        limit_seconds = order.pop("limit_seconds")
        if (child := os.fork()) == 0:
            _become(**order)
        print(_exit_code(child, limit_seconds), flush=True)  # noqa: T201 - the answer


def _exit_code(child: int, limit_seconds: int) -> int:
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(limit_seconds)
    _, status = os.waitpid(child, 0)
    signal.alarm(0)
    return os.waitstatus_to_exitcode(status)


def _become(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    import_first: Sequence[str],
    output: str,
) -> None:
    """What a forked process does; it does not return."""
    code = 1
    try:
        _redirect(output)
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:0] = import_first
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(output: str) -> None:
    with open(os.devnull) as nothing, open(output, "w") as file:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())


if __name__ == "__main__":
    _serve()
