"""Counters that stop what fails again and again."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from rollcall.coordination import Coordination
from rollcall.errors import FailureLimitError
from tests.coordination.conftest import Programs


async def test_a_counter_increments_atomically_from_50_tasks(programs: Programs) -> None:
    counters = [programs().failure_counter("steps", limit=1000) for _ in range(5)]
    counts = await asyncio.gather(*(counters[n % 5].count("item") for n in range(50)))
    assert sorted(counts) == list(range(1, 51))
    assert await counters[0].made("item") == 50


async def test_no_more_attempts_than_the_limit_are_made(program: Coordination) -> None:
    counter = program.failure_counter("steps", limit=3)
    results = await asyncio.gather(
        *(counter.count("item") for _ in range(20)), return_exceptions=True
    )
    assert sorted(count for count in results if isinstance(count, int)) == [1, 2, 3]
    assert sum(isinstance(result, FailureLimitError) for result in results) == 17


async def test_a_success_starts_anew_and_a_failure_counts(program: Coordination) -> None:
    counter = program.failure_counter("steps", limit=3)
    with pytest.raises(ZeroDivisionError):
        async with counter.attempt("item"):
            raise ZeroDivisionError
    async with counter.attempt("item") as number:
        assert number == 2
    assert await counter.made("item") == 0


async def test_a_cancelled_attempt_does_not_count(program: Coordination) -> None:
    counter = program.failure_counter("steps", limit=3)
    began = asyncio.Event()

    async def work() -> None:
        async with counter.attempt("item"):
            began.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await counter.made("item") == 0


async def test_a_count_is_forgotten_in_time(program: Coordination) -> None:
    counter = program.failure_counter("steps", limit=3, forget_seconds=50)
    await counter.count("item")
    key = program.keys.of("failures:steps", "item")
    assert 40_000 < await program.server.command("PTTL", key) <= 50_000


_CRASHING_ATTEMPT = """
import asyncio, os, signal, sys
from rollcall.coordination import Coordination
from rollcall.errors import FailureLimitError

async def main():
    counter = Coordination(sys.argv[1], None, prefix=sys.argv[2], answer_seconds=20).failure_counter("steps", limit=2)
    try:
        async with counter.attempt("poison"):
            os.kill(os.getpid(), signal.SIGKILL)
    except FailureLimitError:
        sys.exit(9)

asyncio.run(main())
"""


async def test_a_loop_is_stopped_at_the_limit_even_when_each_attempt_crashes_the_process(
    redis_url: str, prefix: str
) -> None:
    command = [sys.executable, "-c", _CRASHING_ATTEMPT, redis_url, prefix]
    codes = []
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.DEVNULL, env=dict(os.environ)
        )
        codes.append(await asyncio.wait_for(process.wait(), 60))
    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 9]
