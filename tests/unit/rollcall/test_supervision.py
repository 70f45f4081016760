"""A part that must last is missed when it is gone, however it went."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import structlog.testing

from rollcall.errors import FetcherDeadError
from rollcall.exit_codes import ExitCode
from rollcall.supervision import Supervisor
from tests.eventually import DEADLINE_SECONDS

Part = Callable[[], Awaitable[None]]


async def for_ever() -> None:
    await asyncio.Event().wait()


async def returns() -> None:
    return


async def cancels_itself() -> None:
    raise asyncio.CancelledError


def fails(error: Exception) -> Part:
    async def part() -> None:
        raise error

    return part


async def run(supervisor: Supervisor, *parts: Part) -> list[BaseException]:
    """Run parts beside one that lasts; returns what they ended with."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
            for part in (for_ever, *parts):
                supervisor.start(tasks, part, part.__name__)
    except ExceptionGroup as errors:
        return list(errors.exceptions)
    return []


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (returns, "returns returned, though it must last"),
        (cancels_itself, "cancels_itself was cancelled by nobody who may"),
        (fails(RuntimeError("broken")), "broken"),
    ],
    ids=["returns", "cancelled", "fails"],
)
async def test_a_part_that_ends_by_itself_ends_the_others_and_is_told_once(part: Part, told: str):
    supervisor = Supervisor()
    with structlog.testing.capture_logs() as logs:
        (error,) = await run(supervisor, part)
    assert str(error) == told
    assert [(line["event"], line["error"]) for line in logs] == [("service_failed", told)]
    assert supervisor.exit_code is ExitCode.FAILED


async def test_the_first_death_chooses_the_exit_code():
    supervisor = Supervisor()
    await run(supervisor, fails(FetcherDeadError("idle")), fails(RuntimeError("after it")))
    assert supervisor.exit_code is ExitCode.FETCHER_DEAD


async def test_the_first_death_is_announced_before_the_others_end():
    supervisor = Supervisor()
    announced: list[str] = []
    supervisor.on_death(lambda: announced.append("death"))

    async def lasts() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            announced.append("end of another")

    await run(supervisor, lasts, fails(RuntimeError("broken")))
    assert announced == ["death", "end of another"]


async def test_once_an_end_was_asked_for_parts_may_end():
    supervisor = Supervisor()
    supervisor.end()
    async with asyncio.TaskGroup() as tasks:
        supervisor.start(tasks, returns, "returns")
        supervisor.start(tasks, for_ever, "cancelled").cancel()
    assert supervisor.exit_code is ExitCode.STOPPED


async def test_a_part_whose_work_can_be_done_may_return():
    supervisor = Supervisor()
    async with asyncio.TaskGroup() as tasks:
        supervisor.start(tasks, returns, "ready", may_return=True)
    assert not supervisor.ending
