"""What the console reads of the database: little, whatever there is."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from essay_lifecycle_service.fills import BatchFills
from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall.console.reader import ConsoleReader
from rollcall.dead_letters.letter import LetterFilter
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.db.dead_letters import GROUP, bury, operations
from tests.db.events import content, registration
from tests.db.replica import Replica

_BATCH = """
INSERT INTO batch (batch_id, expected_count, open_count, filled_count, course_code, essay_instructions,
                   user_id, correlation_id, registration_digest)
SELECT id, 4, 4 - number % 4, number % 4, 'c', '', '', id, ''
FROM (SELECT gen_random_uuid() AS id, number FROM generate_series(1, $1::int) number) made
"""
_SLOTS = """
INSERT INTO slot (batch_id, position, essay_id)
SELECT batch_id, position, position FROM batch, generate_series(filled_count, 3) position
"""


def reader(fills: BatchFills | None = None) -> ConsoleReader:
    """A reader of the tests' deployment."""
    settings = EssayLifecycleSettings(consumer_group=GROUP)
    return ConsoleReader(settings, Topology(TOPICS), fills.read if fills else None)


async def test_batches_are_counted_up_to_a_bound_and_the_fullest_shown(connection: Any) -> None:
    await connection.execute(_BATCH, 600)
    await connection.execute(_SLOTS)
    fills = await BatchFills().read(connection)
    assert (fills.open, fills.open_more, fills.ended) == (500, True, 0)
    assert len(fills.shown) == 12
    assert {fill.filled for fill in fills.shown} == {3}


async def test_open_batches_come_before_ended_ones_and_tell_what_waits(
    replica: Replica, connection: Any
) -> None:
    done, half, early = (uuid.uuid4() for _ in range(3))
    await replica.handle(registration(done, 1), registration(half, 3))
    await replica.handle(content(done, "a"), content(half, "b"), content(early, "c"))
    fills = await BatchFills().read(connection)
    assert [(fill.id, fill.state, fill.filled) for fill in fills.shown] == [
        (str(half), "open", 1),
        (str(done), "completed", 1),
    ]
    assert (fills.open, fills.ended, fills.pending) == (1, 1, 1)
    assert fills.oldest_pending_at is not None
    assert fills.shown[1].ended_at is not None


class InterruptedConnection:
    """A connection on which something happens behind the first statement."""

    def __init__(self, connection: Any, happens: Callable[[], Awaitable[object]]) -> None:
        self._connection = connection
        self._happens: list[Callable[[], Awaitable[object]]] = [happens]

    async def fetch(self, *statement: Any) -> Any:
        """Fetch; the first time, let it happen afterwards."""
        rows = await self._connection.fetch(*statement)
        if self._happens:
            await self._happens.pop()()
        return rows

    async def fetchrow(self, *statement: Any) -> Any:
        """Fetch one."""
        return await self._connection.fetchrow(*statement)


async def test_a_batch_that_ends_during_the_look_is_shown_once(
    replica: Replica, connection: Any
) -> None:
    ending = uuid.uuid4()
    await replica.handle(registration(ending, 1))
    looking = InterruptedConnection(connection, lambda: replica.handle(content(ending, "a")))
    fills = await BatchFills().read(looking)
    assert [(fill.id, fill.state) for fill in fills.shown] == [(str(ending), "completed")]


async def test_an_order_about_many_dead_letters_is_one_line(connection: Any) -> None:
    for offset in range(3):
        await bury(connection, offset)
    await bury(connection, 9, group="another", error_type="other")
    letters = operations(connection)
    await letters.discard(LetterFilter(), "ann", "test data")
    read = await reader().read(connection)
    assert [(s.action, s.reason, s.letters) for s in read.settled] == [("discard", "test data", 3)]
    assert [(c.error_type, c.state, c.letters) for c in read.letters.counts] == [
        ("malformed", "discarded", 3)
    ]
    assert (read.letters.dead, read.instances, read.fills) == (0, [], None)
