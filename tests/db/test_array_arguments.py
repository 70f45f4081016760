"""Arrays as arguments: what is taken, and what is told to be made a list."""

from collections import deque
from collections.abc import Iterable
from typing import Any

import asyncpg
import pytest

from tests.db.replica import open_replica


@pytest.mark.parametrize("given", [["a", None], ("a", None), {"b": 1}.keys() | {"b"}, frozenset()])
async def test_plain_containers_are_arrays(database: str, given: Iterable[Any]) -> None:
    async with open_replica(database) as replica, replica.database.acquire() as connection:
        assert await connection.fetchval("SELECT $1::text[]", given) == list(given)


async def test_arrays_of_arrays_are_too(database: str) -> None:
    async with open_replica(database) as replica, replica.database.acquire() as connection:
        assert await connection.fetchval("SELECT $1::int[][]", [[1, 2], [3, 4]]) == [[1, 2], [3, 4]]


@pytest.mark.parametrize("given", [deque(["a"]), "a", {"a": 1}, 1])
async def test_anything_else_is_refused(database: str, given: Any) -> None:
    async with open_replica(database) as replica, replica.database.acquire() as connection:
        with pytest.raises(asyncpg.DataError, match="a sized iterable container expected"):
            await connection.fetch("SELECT $1::text[]", given)
