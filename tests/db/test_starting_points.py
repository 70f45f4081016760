"""A partition is refused only for what is really wrong with its position."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import pytest
import pytest_asyncio

from rollcall import Database, ServiceSettings
from rollcall.consumer.chunk import Span
from rollcall.consumer.positions import LogRange, PositionStore
from rollcall.consumer.records import Partition
from rollcall.consumer.starting_points import ReadLogRanges, StartingPointFinder
from tests.fixtures.database import SCHEMA

PARTITION = Partition("in", 0)
POSITIONS = PositionStore("group")


@pytest_asyncio.fixture
async def opened(database: str) -> AsyncIterator[Database]:
    settings = ServiceSettings.model_validate(
        {"postgres_dsn": database, "database_schema": SCHEMA, "consumer_group": "group"}
    )
    connections = Database(settings)
    await connections.open()
    yield connections
    await connections.close()


@pytest.fixture
def finder(opened: Database) -> Callable[[ReadLogRanges], StartingPointFinder]:
    return lambda log_ranges: StartingPointFinder(opened, POSITIONS, log_ranges)


async def _place(database: Database, offset: int) -> None:
    async with database.acquire() as connection:
        await POSITIONS.open(connection, {PARTITION: offset})


def _log(start: int, end: int) -> ReadLogRanges:
    async def read(partitions: Sequence[Partition]) -> Mapping[Partition, LogRange]:
        return {partition: LogRange(start, end) for partition in partitions}

    return read


async def test_a_new_partition_starts_at_the_start_of_its_log(finder) -> None:
    points = finder(_log(5, 9))
    assert await points.find([PARTITION]) is None
    found = await points.find([PARTITION])
    assert (found.starts, found.refusals) == ({PARTITION: 5}, [])


async def test_a_known_partition_starts_at_its_position(opened: Database, finder) -> None:
    await _place(opened, 7)
    found = await finder(_log(5, 9)).find([PARTITION])
    assert found.starts == {PARTITION: 7}


@pytest.mark.parametrize("position", [4, 10])
async def test_a_position_outside_of_the_log_is_refused(
    opened: Database, finder, position: int
) -> None:
    await _place(opened, position)
    found = await finder(_log(5, 9)).find([PARTITION])
    assert found.starts == {}
    assert [refusal.partition for refusal in found.refusals] == [PARTITION]


async def test_a_former_owner_that_commits_meanwhile_gets_no_partition_refused(
    opened: Database, finder
) -> None:
    """Records arrive and are committed by an instance that has not heard of the rebalance."""
    await _place(opened, 100)

    async def read(_: Sequence[Partition]) -> Mapping[Partition, LogRange]:
        async with opened.acquire() as connection:
            await POSITIONS.compare_and_set(connection, {PARTITION: Span(100, 110)})
        return {PARTITION: LogRange(0, 100)}

    found = await finder(read).find([PARTITION])
    assert found is None or not found.refusals


async def test_retention_that_follows_a_former_owner_gets_no_partition_refused(
    opened: Database, finder
) -> None:
    await _place(opened, 100)

    async def read(_: Sequence[Partition]) -> Mapping[Partition, LogRange]:
        async with opened.acquire() as connection:
            await POSITIONS.compare_and_set(connection, {PARTITION: Span(100, 110)})
        return {PARTITION: LogRange(105, 120)}

    assert await finder(read).find([PARTITION]) is None
