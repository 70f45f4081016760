"""Many workers on one lock: nobody is in the room with another, everybody gets a turn."""

import asyncio
import os
import signal
import sys
import time
from collections import Counter

import pytest

from rollcall import Database
from rollcall.coordination import Coordination
from tests.coordination.conftest import Programs
from tests.coordination.ledger import Ledger
from tests.eventually import eventually

_PROGRAMS = 4


async def _work(
    programs: list[Coordination],
    database: Database,
    ledger: Ledger,
    workers: int,
    visits: int,
) -> tuple[Counter[int], list[int]]:
    """Each worker visits the room so often; returns the visits and their numbers in order."""
    turns: Counter[int] = Counter()
    numbers: list[int] = []

    async def worker(number: int) -> None:
        program = programs[number % len(programs)]
        for _ in range(visits):
            async with program.lock("room", lease_seconds=20, wait_seconds=150) as hold:
                await ledger.visit(hold, database)
                turns[number] += 1
                numbers.append(hold.number)

    await asyncio.gather(*(worker(number) for number in range(workers)))
    return turns, numbers


async def _no_double_holding(
    programs: Programs, database: Database, ledger: Ledger, workers: int, visits: int
) -> float:
    many = [programs(answer_seconds=20) for _ in range(_PROGRAMS)]
    began = time.monotonic()
    turns, numbers = await _work(many, database, ledger, workers, visits)
    took = time.monotonic() - began
    assert await ledger.visits() == workers * visits
    assert set(turns.values()) == {visits}
    assert numbers == sorted(set(numbers))
    return workers * visits / took


async def test_100_workers(
    programs: Programs, database: Database, ledger: Ledger, record_property: object
) -> None:
    rate = await _no_double_holding(programs, database, ledger, workers=100, visits=3)
    assert rate > 1


@pytest.mark.long
async def test_500_workers(programs: Programs, database: Database, ledger: Ledger) -> None:
    rate = await _no_double_holding(programs, database, ledger, workers=500, visits=3)
    assert rate > 1


async def test_turns_are_taken_in_rounds(
    programs: Programs, database: Database, ledger: Ledger
) -> None:
    """With a queue nobody is passed by: who comes again stands behind those who wait.

    Counted once everybody has come; one who is slow to come again may miss one round.
    """
    many = [programs() for _ in range(_PROGRAMS)]
    order: list[int] = []

    async def worker(number: int) -> None:
        for _ in range(8):
            async with many[number % _PROGRAMS].lock("room", wait_seconds=60):
                order.append(number)

    await asyncio.gather(*(worker(number) for number in range(20)))
    everybody_came = max(order.index(number) for number in range(20))
    rounds = order[everybody_came:]
    last: dict[int, int] = {}
    for place, number in enumerate(rounds):
        if number in last:
            between = Counter(rounds[last[number] + 1 : place])
            assert max(between.values(), default=0) <= 2
        last[number] = place


_PROCESS = """
import asyncio, sys
import asyncpg
from rollcall import Database, ServiceSettings
from rollcall.coordination import Coordination
from tests.coordination.ledger import Ledger

async def main(url, prefix, dsn, resource):
    database = Database(ServiceSettings(postgres_dsn=dsn, database_schema="els", database_pool_size=3))
    await database.open()
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "els"})
    ledger = Ledger(connection)
    ledger.resource = resource
    async with Coordination(url, database, prefix=prefix, answer_seconds=20) as program:
        while True:
            async with program.lock("room", lease_seconds=1, wait_seconds=60) as hold:
                await ledger.write(hold, "process")

asyncio.run(main(*sys.argv[1:]))
"""


async def test_processes_that_are_killed_in_the_middle_hold_nobody_up_for_long(
    redis_url: str, tier_database: str, prefix: str, ledger: Ledger
) -> None:
    """Whatever one of three was at when it was killed; each write had a larger number than the last."""
    command = [sys.executable, "-c", _PROCESS, redis_url, prefix, tier_database, ledger.resource]
    processes = [
        await asyncio.create_subprocess_exec(*command, env=dict(os.environ)) for _ in range(3)
    ]
    try:
        for process in processes[:2]:
            seen = len(await ledger.numbers())
            await eventually(lambda n=seen: _written(ledger, n + 20), deadline_seconds=60)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        seen = len(await ledger.numbers())
        await eventually(lambda: _written(ledger, seen + 20), deadline_seconds=60)
    finally:
        for process in processes:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
                await process.wait()
    numbers = await ledger.numbers()
    assert numbers == sorted(set(numbers))


async def _written(ledger: Ledger, count: int) -> bool:
    return len(await ledger.numbers()) >= count
