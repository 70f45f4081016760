"""The arena of a worker: kept from test to test as long as no test leaves it in doubt."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from rollcall_cluster.embedded import EmbeddedServers
from tests.cluster.failpoints.arena import Arena
from tests.fixtures.database import cloned_database


class Arenas:
    """Makes arenas, and keeps one for the tests that can share it."""

    def __init__(self, servers: EmbeddedServers, template: str, directory: Path) -> None:
        self._servers = servers
        self._template = template
        self._directory = directory
        self._scope = ExitStack()
        self._shared: Arena | None = None
        self._made = 0

    async def new(self) -> Arena:
        """An arena on which nothing has run."""
        dsn = self._scope.enter_context(
            cloned_database(self._servers.postgres.address, self._template)
        )
        self._made += 1
        directory = self._directory / f"arena-{self._made}"
        directory.mkdir()
        arena = await Arena.create(self._servers, dsn, directory)
        self._scope.callback(arena.close)
        return arena

    async def shared(self) -> Arena:
        """The arena that the worker's tests share; a new one if the last test failed on it."""
        if self._shared is None or self._shared.in_doubt:
            if self._shared is not None:
                self._shared.close()
            self._shared = await self.new()
        return self._shared

    def close(self) -> None:
        """End every replica, drop every database."""
        self._scope.close()


@pytest.fixture(scope="session")
def arenas(
    servers: EmbeddedServers, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Arenas]:
    """The worker's arenas."""
    arenas = Arenas(servers, template_database, tmp_path_factory.mktemp("arenas"))
    yield arenas
    arenas.close()


@pytest_asyncio.fixture
async def arena(arenas: Arenas) -> AsyncIterator[Arena]:
    """The shared arena, for tests that leave it with `assert_unharmed`."""
    yield await arenas.shared()
