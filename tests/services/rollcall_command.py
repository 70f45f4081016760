"""The `rollcall` command as it is typed, on a test's deployment."""

import asyncio
import os
import subprocess
import sys

from tests.eventually import DEADLINE_SECONDS

_PROGRAM = [sys.executable, "-c", "from rollcall_cluster.cli import main; main()"]


class RollcallCommand:
    """`await rollcall("dlq", "list", "--json")`: run it, return what it printed."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = {**os.environ, **environment, "COLUMNS": "200"}

    async def __call__(self, *arguments: str, expect: int = 0) -> str:
        done = await asyncio.to_thread(
            subprocess.run,
            [*_PROGRAM, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr
