"""Operating-system processes that may outlive the one that started them, known by pid and birth."""

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

# The birth is computed from the boot time, which moves when the clock is set.
_BIRTH_TOLERANCE_SECONDS = 2.0
_KILL_DEADLINE_SECONDS = 10.0
_POLL_SECONDS = 0.01

# Ends the server once its owner is gone; gives up when the server is gone first. A shell: the
# guard must outlive a SIGKILL of the owner, and costs next to nothing. What nobody reaps is gone.
_GUARD = """
alive() {
    kill -0 "$1" 2>/dev/null && ! grep -q "^State:[[:space:]]*Z" "/proc/$1/status" 2>/dev/null
}
while alive "$1" && alive "$2"; do sleep 1; done
kill -s "$3" "$2" 2>/dev/null || exit 0
for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 1; alive "$2" || exit 0; done
kill -s KILL "$2" 2>/dev/null
"""


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a server's state file holds, for whoever attaches to it or finds it stale."""

    pid: int
    created_at: float  # seconds since the epoch: tells a reused pid from ours
    port: int


class _Launched(subprocess.Popen[bytes]):
    """A process that outlives this object on purpose, so that collecting it is no mistake."""

    def __del__(self, *_: object) -> None:
        return None


def launch(
    arguments: Sequence[str | Path],
    log_file: Path,
    *,
    environment: Mapping[str, str] | None = None,
    account: Mapping[str, Any] | None = None,
) -> psutil.Process:
    """Start a program in a session of its own (no Ctrl-C reaches it), its output in `log_file`."""
    with log_file.open("ab") as log:
        process = _Launched(
            [str(argument) for argument in arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env=None if environment is None else dict(environment),
            **(account or {}),
        )
    return psutil.Process(process.pid)


def guard(process: psutil.Process, owner_pid: int, stop_signal: str) -> None:
    """End `process` within about a second after the process `owner_pid` is gone, however it went.

    `stop_signal` is the name without SIG (such as "TERM"); SIGKILL follows 10 s later.
    """
    _Launched(
        ["/bin/sh", "-c", _GUARD, "guard", str(owner_pid), str(process.pid), stop_signal],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )


def is_alive(process: psutil.Process) -> bool:
    """Tell whether exactly this process still runs; one that only waits to be reaped does not."""
    with suppress(psutil.Error):
        process.wait(timeout=0)  # reaps it if it is a child of this process
    with suppress(psutil.NoSuchProcess):
        if process.status() == psutil.STATUS_ZOMBIE:
            return _threads_left(process.pid) > 1  # the first thread of a process may end early
        return bool(process.is_running())
    return False


def _threads_left(pid: int) -> int:
    with suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/task"))  # elsewhere than on Linux, a zombie has none
    return 0


def find(pid: int, created_at: float) -> psutil.Process | None:
    """Return the live process with this pid if it is the one born at `created_at`, else None."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        born_then = abs(process.create_time() - created_at) < _BIRTH_TOLERANCE_SECONDS
        if born_then and is_alive(process):
            return process
    return None


def end(process: psutil.Process, stop_signal: int, deadline_seconds: float) -> None:
    """Ask a process to stop; after `deadline_seconds`, kill what is left of its tree."""
    with suppress(psutil.NoSuchProcess):
        tree = [process, *process.children(recursive=True)]
        process.send_signal(stop_signal)
        _kill_all(_still_alive_after(tree, deadline_seconds))


def kill(process: psutil.Process) -> None:
    """SIGKILL a process with all its descendants, and wait until they are gone."""
    with suppress(psutil.NoSuchProcess):
        _kill_all([process, *process.children(recursive=True)])


def _kill_all(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _still_alive_after(processes, _KILL_DEADLINE_SECONDS)


def _still_alive_after(
    processes: Sequence[psutil.Process], deadline_seconds: float
) -> list[psutil.Process]:
    """Wait until all have ended (not until somebody reaps them) and return those that have not."""
    deadline = time.monotonic() + deadline_seconds
    while True:
        alive = [process for process in processes if is_alive(process)]
        if not alive or time.monotonic() >= deadline:
            return alive
        time.sleep(_POLL_SECONDS)


def read_state(state_file: Path) -> ServerState | None:
    """Return the recorded state, or None if there is none or it is damaged."""
    try:
        return ServerState(**json.loads(state_file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_state(state_file: Path, state: ServerState) -> None:
    """Record the state atomically."""
    partial = state_file.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(state)))
    partial.replace(state_file)
