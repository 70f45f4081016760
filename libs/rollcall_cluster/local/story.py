"""The demo's plot: load, a crash in the middle of it, recovery, rest."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import httpx

from rollcall_cluster.generator import Plan, Summary, expect, generate
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.demo_view import DemoView
from rollcall_cluster.local.filling import Filling, read_filling
from rollcall_cluster.local.observation import observe

_REFRESH_SECONDS = 0.25
_CRASH_AT = 0.4  # of the events
_DOWN_SECONDS = 3.0
_REST_DEADLINE_SECONDS = 60.0
_SHOWN_BATCHES = 6
_QUERY_TIMEOUT_SECONDS = 10.0


class Story:
    """Tells one plan on one cluster; `view` follows."""

    def __init__(self, cluster: LocalCluster, plan: Plan) -> None:
        expected = expect(plan)
        self.view = DemoView(expected.records, expected.batches)
        self._cluster = cluster
        self._environment = cluster.home.environment
        self._plan = plan
        self._well_on_its_way = asyncio.Event()

    async def tell(self) -> Summary:
        """Return what was produced, once all of it has been handled and published.

        After 60 s without rest it returns as well: the audit says what is wrong.
        """
        async with self._watching():
            crash = asyncio.create_task(self._crash_and_recover())
            try:
                summary = await self._produce()
                await crash
            finally:
                crash.cancel()
            await self._rest()
        return summary

    async def outcome(self) -> Filling:
        """What the database holds now."""
        async with self._database() as connection:
            return await read_filling(connection, 0)

    async def _produce(self) -> Summary:
        def progress(produced: int) -> None:
            self.view.produced = produced
            if produced >= self.view.planned_records * _CRASH_AT:
                self._well_on_its_way.set()

        records = self.view.planned_records
        self.view.note(f"{records:,} events for {self._plan.batches:,} batches are on their way")
        summary = await generate(
            self._plan,
            self._environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"],
            topic_prefix=self._environment["ROLLCALL_TOPIC_PREFIX"],
            on_progress=progress,
        )
        self.view.note(f"all events are produced, {summary.records_per_second:,.0f} a second")
        return summary

    async def _crash_and_recover(self) -> None:
        await self._well_on_its_way.wait()
        victim = self._cluster.replicas[1]
        pid = victim.process.pid if victim.process else None
        await asyncio.to_thread(victim.kill)
        self.view.note(f"kill -9 {pid}: {victim.name} is gone in the middle of its work")
        await asyncio.sleep(_DOWN_SECONDS)
        await asyncio.to_thread(self._cluster.start_replica, 2)
        self.view.note(f"{victim.name} is started again")

    async def _rest(self) -> None:
        deadline = time.monotonic() + _REST_DEADLINE_SECONDS
        while not self._is_at_rest():
            if time.monotonic() > deadline:
                self.view.note(f"still not at rest after {_REST_DEADLINE_SECONDS:.0f} s")
                return
            await asyncio.sleep(_REFRESH_SECONDS)
        self.view.note("every event is handled, every outcome published")

    def _is_at_rest(self) -> bool:
        seen, filling = self.view.observations, self.view.filling
        return (
            all(each.is_ready and each.lag == 0 for each in seen)
            and filling.completed == self.view.planned_batches
            and filling.unpublished == 0
        )

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        """Keep the view up to date."""
        async with self._database() as connection, httpx.AsyncClient() as client:
            watch = asyncio.create_task(self._watch(connection, client))
            try:
                yield
            finally:
                watch.cancel()
                with suppress(asyncio.CancelledError):
                    await watch

    @asynccontextmanager
    async def _database(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(
            self._environment["ROLLCALL_POSTGRES_DSN"],
            server_settings={"search_path": self._environment["ROLLCALL_DATABASE_SCHEMA"]},
            command_timeout=_QUERY_TIMEOUT_SECONDS,
        )
        try:
            yield connection
        finally:
            connection.terminate()  # reads alone: nothing to finish

    async def _watch(self, connection: asyncpg.Connection, client: httpx.AsyncClient) -> None:
        while True:
            self.view.observations = await observe(self._cluster.replicas, client)
            self.view.filling = await read_filling(connection, _SHOWN_BATCHES)
            await asyncio.sleep(_REFRESH_SECONDS)
