"""PostgreSQL turns on its clients: sessions end, statements are cancelled, there is no room."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import asyncpg

from rollcall_cluster.chaos.arena import Arena
from rollcall_cluster.chaos.faults.base import Fault, NotInflictedError
from rollcall_cluster.embedded.postgres_account import process_account

# Sessions of this deployment's replicas and of nobody else: those that come out of our proxies.
_OURS = """
FROM pg_stat_activity JOIN unnest($1::text[], $2::int[]) AS ours (address, port)
ON client_addr = ours.address::inet AND client_port = ours.port
"""
_TERMINATE = f"SELECT count(pg_terminate_backend(pid)) {_OURS}"
_CANCEL = f"SELECT count(pg_cancel_backend(pid)) {_OURS}"


class Terminate(Fault):
    """As an administrator or a fail-over does."""

    name = "postgres-terminate"
    summary = "every session of the replicas is terminated, three times within 1 s"
    weight = 3
    through = frozenset({"postgres"})

    async def inflict(self, arena: Arena) -> None:
        """Terminate what there is, and what came back."""
        ended = 0
        async with arena.database() as connection:
            for _ in range(3):
                ended += await _terminate(arena, connection)
                await asyncio.sleep(0.3)
        self.detail = f"{ended} sessions"
        _refuse_none(ended)


class TerminateStarting(Fault):
    """Nothing may be assumed to stand that was there a moment ago."""

    name = "postgres-terminate-starting"
    summary = "a replica is killed and started again; for 6 s all sessions of all are terminated"
    weight = 1
    through = frozenset({"postgres"})
    _SECONDS: ClassVar[float] = 6.0

    async def inflict(self, arena: Arena) -> None:
        """Terminate while it starts."""
        number = arena.any_replica()
        await arena.fleet.kill(number)
        await arena.fleet.start(number)
        ended = 0
        deadline = time.monotonic() + self._SECONDS
        async with arena.database() as connection:
            while time.monotonic() < deadline:
                ended += await _terminate(arena, connection)
                await asyncio.sleep(0.1)
        self.detail = f"els-{number}, {ended} sessions"
        _refuse_none(ended)


class Cancel(Fault):
    """Statements fail anywhere within a transaction."""

    name = "postgres-cancel"
    summary = "whatever statement runs is cancelled, 50 times a second for 4 s"
    weight = 3
    through = frozenset({"postgres"})

    async def inflict(self, arena: Arena) -> None:
        """Cancel over and over."""
        found = 0
        async with arena.database() as connection:
            for _ in range(200):
                found += await connection.fetchval(_CANCEL, *_addresses(arena))
                await asyncio.sleep(0.02)
        _refuse_none(found)


class ConnectionLimit(Fault):
    """Sessions end and find no room to come back."""

    name = "postgres-connections"
    summary = "all connections are taken by others for 8 s, and the replicas' terminated"
    weight = 1
    breaks = frozenset({"postgres"})
    hold_seconds = 8.0
    _AT_ONCE: ClassVar[int] = 20
    _MOST: ClassVar[int] = 400

    def __init__(self) -> None:
        self._taken: list[asyncpg.Connection] = []

    async def inflict(self, arena: Arena) -> None:
        """Take everything, end the replicas' sessions, and take those, too."""
        async with arena.database() as connection:
            await self._take_all(arena)
            for _ in range(3):
                await _terminate(arena, connection)
                await self._take_all(arena)
        self.detail = f"{len(self._taken)} connections"

    async def heal(self, arena: Arena) -> None:
        """Give all back."""
        for connection in self._taken:
            connection.terminate()
        self._taken.clear()

    async def _take_all(self, arena: Arena) -> None:
        while len(self._taken) < self._MOST:
            attempts = [arena.connect() for _ in range(self._AT_ONCE)]
            found = await asyncio.gather(*attempts, return_exceptions=True)
            taken = [each for each in found if not isinstance(each, BaseException)]
            self._taken += taken
            if len(taken) < self._AT_ONCE:
                return


class DiskFull(Fault):
    """Every table moves to a small file system, which fills up."""

    name = "postgres-disk-full"
    summary = "the tables lie on a small file system that is full for 6 s"
    weight = 1
    breaks = frozenset({"postgres"})
    mounts = True
    hold_seconds = 6.0
    _SIZE: ClassVar[str] = "768m"

    def __init__(self) -> None:
        self._place: Path | None = None

    async def inflict(self, arena: Arena) -> None:
        """Mount, move, fill."""
        self._place = await asyncio.to_thread(_mount, self._SIZE)
        async with arena.database() as connection:
            await connection.execute(f"CREATE TABLESPACE chaos LOCATION '{self._place / 'data'}'")
            await _move_tables(connection, "chaos")
        await asyncio.to_thread(_fill, self._place / "ballast")

    async def heal(self, arena: Arena) -> None:
        """Make room, move back, unmount."""
        if self._place is None:
            return
        (self._place / "ballast").unlink(missing_ok=True)
        async with arena.database() as connection:
            await _move_tables(connection, "pg_default")
            # A table's old files are removed at the next checkpoint, and with them the last obstacle.
            await connection.execute("CHECKPOINT")
            await connection.execute("DROP TABLESPACE IF EXISTS chaos")
        await asyncio.to_thread(_unmount, self._place)
        self._place = None


class LongTransaction(Fault):
    """Dead rows pile up: nothing that it might still see can be removed."""

    name = "postgres-long-transaction"
    summary = "a snapshot is held open for 150 s, while the next faults come"
    weight = 1
    lingering_seconds = 150.0

    def __init__(self) -> None:
        self._connection: asyncpg.Connection | None = None

    async def inflict(self, arena: Arena) -> None:
        """Take a snapshot and keep it; no lock, which would hold up whoever moves or vacuums a table."""
        self._connection = await arena.connect()
        await self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await self._connection.fetchval("SELECT pg_current_snapshot()")

    async def heal(self, arena: Arena) -> None:
        """Let go; PostgreSQL may have ended it in a fault that came later."""
        if self._connection is not None:
            self._connection.terminate()


async def _terminate(arena: Arena, connection: asyncpg.Connection) -> int:
    """End the replicas' sessions; returns how many."""
    ended: int = await connection.fetchval(_TERMINATE, *_addresses(arena))
    return ended


def _refuse_none(sessions: int) -> None:
    if not sessions:
        raise NotInflictedError("PostgreSQL knows no session of the replicas by its address")


def _addresses(arena: Arena) -> tuple[list[str], list[int]]:
    addresses = sorted(arena.fleet.addresses_at("postgres"))
    return [host for host, _ in addresses], [port for _, port in addresses]


async def _move_tables(connection: asyncpg.Connection, tablespace: str) -> None:
    # Whoever comes after one that waits for a table waits for as long.
    await connection.execute("SET lock_timeout = '1s'")
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    )
    for row in tables:
        await _move(connection, row["tablename"], tablespace)


async def _move(connection: asyncpg.Connection, table: str, tablespace: str) -> None:
    """Move a table in spite of those who use it: they or we may be the victim of a deadlock, or wait too long."""
    for _ in range(20):
        with suppress(asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError):
            await connection.execute(f'ALTER TABLE "{table}" SET TABLESPACE {tablespace}')
            return
    raise RuntimeError(f"could not move {table} to {tablespace}")


def _mount(size: str) -> Path:
    place = Path(tempfile.mkdtemp(prefix="rollcall-chaos-"))
    place.chmod(0o755)
    _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(place))
    data = place / "data"
    data.mkdir(mode=0o700)
    account = process_account()
    if account:
        os.chown(data, account["user"], account["group"])
    return place


def _fill(ballast: Path) -> None:
    piece = b"\0" * 65_536
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(piece) == len(piece):
            continue


def _unmount(place: Path) -> None:
    _run("umount", "-l", str(place))
    shutil.rmtree(place, ignore_errors=True)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)  # noqa: S603 - our own words
