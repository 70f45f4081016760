"""Service processes forked from one that has imported everything: they start in half of the time."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

from rollcall_cluster.failpoints import Trigger

_IMPORTED = [
    "essay_lifecycle_service.__main__",
    "rollcall_cluster.failpoints.command_line",
    "tests.cluster.failpoints.forked",
    "uvicorn.protocols.http.h11_impl",
    "uvicorn.lifespan.on",
    "uvloop",
]


class ForkedService:
    """One process, with what `subprocess.Popen` offers to watch and signal it."""

    def __init__(
        self, triggers: Sequence[Trigger], environment: Mapping[str, str], log_file: Path
    ) -> None:
        log_file.touch()
        texts = [str(trigger) for trigger in triggers]
        self._process = _forks().Process(
            target=_serve, args=(texts, dict(environment), log_file), daemon=True
        )
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


def _forks() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)  # read when the first process is started
    return context


def _serve(triggers: list[str], environment: dict[str, str], log_file: Path) -> None:
    """What the new process does."""
    from essay_lifecycle_service.__main__ import main
    from rollcall_cluster.failpoints.command_line import run

    with log_file.open("ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    command = ["essay-lifecycle-service", "run"]
    if triggers:
        run([*triggers, "--", *command])
    sys.argv = command
    main()
