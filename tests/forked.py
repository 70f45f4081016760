"""Programs of the product in processes forked from one that has imported all of it: they start in half the time."""

import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from rollcall_cluster.failpoints import Trigger
from tests.eventually import DEADLINE_SECONDS

_IMPORTED = [
    "essay_lifecycle_service.__main__",
    "rollcall_cluster.cli",
    "rollcall_cluster.auditor.command",
    "rollcall_cluster.dlq.command",
    "rollcall_cluster.failpoints.command_line",
    "rollcall_cluster.purge.command",
    "tests.forked",
    "uvicorn.protocols.http.h11_impl",
    "uvicorn.lifespan.on",
    "uvloop",
]


class ForkedProcess:
    """One process, with what `subprocess.Popen` offers to watch and signal it."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self._process.start()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def wait(self, timeout: float) -> int | None:
        """Return once it has ended, or after so many seconds."""
        self._process.join(timeout)
        return self.poll()


def fork_module(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], log_file: Path
) -> ForkedProcess:
    """As `python -m MODULE ARGUMENT...`, with its output in `log_file`."""
    return _fork(_run_module, environment, log_file, module, list(arguments))


def fork_armed_service(
    triggers: Sequence[Trigger], environment: Mapping[str, str], log_file: Path
) -> ForkedProcess:
    """As `essay-lifecycle-service run`, armed with the triggers if there are any."""
    return _fork(_run_armed, environment, log_file, [str(trigger) for trigger in triggers])


def fork_rollcall(
    arguments: Sequence[str], environment: Mapping[str, str], log_file: Path
) -> int | None:
    """As `rollcall ARGUMENT...`, with its output in `log_file`; returns its exit code once it has ended."""
    process = _fork(_run_rollcall, environment, log_file, list(arguments))
    try:
        return process.wait(DEADLINE_SECONDS)
    finally:
        process.kill()


def _fork(
    target: object, environment: Mapping[str, str], log_file: Path, *arguments: object
) -> ForkedProcess:
    log_file.touch()
    process = _forks().Process(
        target=_become, args=(target, dict(environment), log_file, *arguments), daemon=True
    )
    return ForkedProcess(process)


def _forks() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)  # read when the first process is started
    return context


def _become(target, environment: dict[str, str], log_file: Path, *arguments: object) -> None:
    """What the new process does."""
    with log_file.open("ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    target(*arguments)


def _run_module(module: str, arguments: list[str]) -> None:
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _run_armed(triggers: list[str]) -> None:
    from essay_lifecycle_service.__main__ import main
    from rollcall_cluster.failpoints.command_line import run

    command = ["essay-lifecycle-service", "run"]
    if triggers:
        run([*triggers, "--", *command])
    sys.argv = command
    main()


def _run_rollcall(arguments: list[str]) -> None:
    from rollcall_cluster.cli import main

    sys.argv = ["rollcall", *arguments]
    main()
