"""How far the batches are, as the database has it."""

from dataclasses import dataclass

import asyncpg

_TOTALS = """
SELECT (SELECT count(*) FROM batch) AS batches,
       (SELECT count(*) FROM batch WHERE state = 'completed') AS completed,
       (SELECT coalesce(sum(expected_count), 0) FROM batch) AS slots,
       (SELECT coalesce(sum(filled_count), 0) FROM batch) AS filled,
       (SELECT coalesce(sum(failed_count), 0) FROM batch) AS failed,
       (SELECT count(*) FROM unplaced WHERE outcome = 'excess' AND kind = 'content') AS excess,
       (SELECT count(*) FROM unplaced WHERE outcome = 'pending') AS pending,
       (SELECT count(*) FROM dead_letter) AS dead_letters,
       (SELECT count(*) FROM segment) AS unpublished
"""

_OPEN_BATCHES = """
SELECT left(batch_id::text, 8) AS name, filled_count + failed_count AS taken, expected_count AS slots
FROM batch WHERE state = 'open'
ORDER BY (filled_count + failed_count)::float / expected_count DESC, batch_id LIMIT $1
"""


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that is not complete yet, by the first digits of its id."""

    name: str
    taken: int
    slots: int


@dataclass(frozen=True, slots=True)
class Filling:
    """Counts over all batches at one moment; `unpublished` counts segments."""

    batches: int = 0
    completed: int = 0
    slots: int = 0
    filled: int = 0
    failed: int = 0
    excess: int = 0
    pending: int = 0
    dead_letters: int = 0
    unpublished: int = 0
    fullest: tuple[OpenBatch, ...] = ()


async def read_filling(connection: asyncpg.Connection, fullest: int) -> Filling:
    """Read the counts and the `fullest` open batches; the search path names the schema."""
    totals = await connection.fetchrow(_TOTALS)
    rows = await connection.fetch(_OPEN_BATCHES, fullest)
    return Filling(**totals, fullest=tuple(OpenBatch(**row) for row in rows))
