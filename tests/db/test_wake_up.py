"""When a chunk wakes the relay: not before its segments can be read, and with the commit's answer."""

import uuid
from collections.abc import Iterable

import psycopg

from tests.db.events import contents, registration
from tests.db.replica import open_replica
from tests.db.round_trips import counted


async def test_the_relay_is_woken_once_the_commit_is_answered(database: str) -> None:
    """Earlier it would find nothing; later it would wait for a reset that is not its business."""
    woken: list[tuple[int, int]] = []

    async with counted(database) as (dsn, trips), open_replica(dsn) as replica:

        def on_segments(lanes: Iterable[int]) -> None:
            with psycopg.connect(database) as other:
                ((written,),) = other.execute(
                    "SELECT count(*) FROM els.segment WHERE lane = ANY(%s)", [list(lanes)]
                )
            woken.append((written, trips.count))

        batch = uuid.uuid4()
        await replica.handle(registration(batch, 3))
        chunk = await replica.chunk(*contents(batch, 1))
        replica.on_segments = on_segments
        await replica.process(chunk)
        assert woken == [(1, trips.count)]
