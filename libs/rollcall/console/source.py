"""Where snapshots come from: the database that all replicas share, and what each of them says."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollcall.console.documents import InstanceView, Point, Program, Snapshot
from rollcall.console.reader import ConsoleReader, Read
from rollcall.console.timeline import Chronicle
from rollcall.console.views import (
    instance_views,
    partition_views,
    rate,
    relay_view,
    totals,
)
from rollcall.database.pool import Database
from rollcall.settings import ServiceSettings

if TYPE_CHECKING:
    from rollcall.console.peers import Own, Peers

_MOST_POINTS = 180
# Those who watch are told sooner than a statement's own limit would.
_READ_SECONDS = 5.0

Look = Callable[[], Awaitable[Snapshot]]
Locals = Callable[[list[InstanceView]], tuple[list[InstanceView], list[Program]]]
"""Adds what is known of the processes of this machine to the instances, and lists those processes."""


class Source:
    """Makes snapshots of one service.

    Args:
        own: answers for the instance that serves the page, if it is one.
        local: adds what only the machine of the processes knows.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        database: Database,
        reader: ConsoleReader,
        own: "Own | None" = None,
        local: Locals | None = None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._reader = reader
        self._own = own
        self._local = local
        self._chronicle: Chronicle | None = None
        self._history: deque[Point] = deque(maxlen=_MOST_POINTS)
        self._before: tuple[float, Read] | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Look]:
        """Give the function that looks once; its connections to peers last as long as the context.

        It raises what the database raises.
        """
        from rollcall.console.peers import Peers  # only who watches pays for the HTTP client

        self._before = None
        async with Peers.open(self._own) as peers:

            async def look() -> Snapshot:
                return await self._look(peers)

            yield look

    async def _look(self, peers: "Peers") -> Snapshot:
        async with asyncio.timeout(_READ_SECONDS), self._database.acquire() as connection:
            read = await self._reader.read(connection)
        said = await peers.ask(read.instances)
        at = datetime.now(UTC)
        instances = instance_views(
            read.instances, said, self._settings.lane_session_timeout_seconds
        )
        instances, programs = self._local(instances) if self._local else (instances, None)
        partitions = partition_views(read.positions, said)
        relay = relay_view(read.relay, said)
        summary = totals(instances, partitions, self._rate(read))
        self._history.append(
            Point(at=at, lag=summary.lag, records_per_second=summary.records_per_second)
        )
        self._chronicle = self._chronicle or Chronicle(at)
        return Snapshot(
            at=at,
            service=self._settings.service_name,
            group=self._settings.consumer_group,
            told_by=self._settings.instance_id,
            totals=summary,
            instances=instances,
            instances_left_out=read.instances_left_out,
            partitions=partitions,
            topics=read.topics,
            relay=relay,
            letters=read.letters,
            fills=read.fills,
            timeline=self._chronicle.seen(at, read, instances, partitions, relay),
            history=list(self._history),
            programs=programs,
        )

    def _rate(self, read: Read) -> float | None:
        now = time.monotonic()
        before, self._before = self._before, (now, read)
        return rate(before[1], read, now - before[0]) if before else None
