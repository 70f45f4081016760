"""The `rollcall` command, as it is typed, on a test's deployment."""

import asyncio
import os
import tempfile
from pathlib import Path

from tests.forked import fork_rollcall


class RollcallCommand:
    """`await rollcall("dlq", "list", "--json")`: run it, return what it printed."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = {**os.environ, **environment, "COLUMNS": "200"}

    async def __call__(self, *arguments: str, expect: int = 0) -> str:
        with tempfile.TemporaryDirectory(prefix="rollcall-command-") as directory:
            output = Path(directory) / "output"
            code = await asyncio.to_thread(fork_rollcall, arguments, self._environment, output)
            printed = output.read_text()
        assert code == expect, printed
        return printed
