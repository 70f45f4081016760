"""Commits alone: one small synchronous transaction after the other."""

import asyncio
import time

import asyncpg

from benchmarks.deployment import Deployment

_PREPARE = "CREATE TABLE IF NOT EXISTS bench_commit (id int PRIMARY KEY, n int NOT NULL)"
_ROW = "INSERT INTO bench_commit VALUES ($1, 0) ON CONFLICT DO NOTHING"
_MOVE = "UPDATE bench_commit SET n = n + 1 WHERE id = $1"


async def commits_per_second(deployment: Deployment, connections: int, seconds: float) -> float:
    """Each connection moves a row of its own."""
    opened = [await asyncpg.connect(deployment.dsn) for _ in range(connections)]
    try:
        await opened[0].execute(_PREPARE)
        for number, connection in enumerate(opened):
            await connection.execute(_ROW, number)
        end = time.perf_counter() + seconds
        counts = await asyncio.gather(
            *[_commit_until(connection, number, end) for number, connection in enumerate(opened)]
        )
        return sum(counts) / seconds
    finally:
        for connection in opened:
            await connection.close()


async def _commit_until(connection: asyncpg.Connection, number: int, end: float) -> int:
    count = 0
    while time.perf_counter() < end:
        await connection.execute(_MOVE, number)
        count += 1
    return count
