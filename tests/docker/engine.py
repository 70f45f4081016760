"""Is there a Docker engine with compose? If not, what to install: `python -m tests.docker.engine`."""

import shutil
import subprocess
import sys

import pytest

_INSTALL = """\
make test-docker needs a running Docker engine (20.10 or newer) and Docker Compose 2.20 or newer.
  Debian, Ubuntu: apt-get install docker.io docker-compose-v2, or https://docs.docker.com/engine/install/
  macOS: Docker Desktop or colima
Then check: docker info && docker compose version. make test needs neither.
"""


def missing() -> str | None:
    """What is not there, in a sentence; None if all is."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            told = (done.stderr or done.stdout).strip().splitlines()
            return f"`{' '.join(command)}` fails: {told[-1] if told else 'it says nothing'}"
    return None


def require_engine() -> None:
    """Raise pytest.UsageError with what to install, unless all is there."""
    if what := missing():
        raise pytest.UsageError(f"{what}\n\n{_INSTALL}")


if __name__ == "__main__":
    if what := missing():
        sys.exit(f"{what}\n\n{_INSTALL}")
