"""When a chunk wakes the relay: not before its segments can be read, and no later than it must."""

import uuid
from collections.abc import Iterable

import psycopg

from tests.db.events import contents, registration
from tests.db.replica import Replica


async def test_the_relay_is_woken_between_the_commit_and_the_return_of_the_connection(
    replica: Replica, database: str
) -> None:
    """Earlier it would find nothing; later it would wait for a reset that is not its business."""
    woken: list[tuple[int, int]] = []

    def on_segments(lanes: Iterable[int]) -> None:
        with psycopg.connect(database) as other:
            ((written,),) = other.execute(
                "SELECT count(*) FROM els.segment WHERE lane = ANY(%s)", [list(lanes)]
            )
        woken.append((written, replica.database._count_used()))

    batch = uuid.uuid4()
    await replica.handle(registration(batch, 3))
    replica.on_segments = on_segments
    await replica.handle(*contents(batch, 1))
    assert woken == [(1, 1)]
