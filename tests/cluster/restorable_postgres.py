"""A PostgreSQL whose changes are archived, that can be lost and restored to a moment."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from rollcall_cluster.embedded import postgres_account
from rollcall_cluster.embedded.postgres import EmbeddedPostgres
from tests.eventually import DEADLINE_SECONDS, eventually

_ARCHIVE = (
    "cmp -s %p {archive}/%f || (test ! -e {archive}/%f && cp %p {archive}/part"
    " && sync {archive}/part && mv {archive}/part {archive}/%f)"
)
_ARCHIVING = f"""
archive_mode = on
archive_command = '{_ARCHIVE}'
restore_command = 'cp {{archive}}/%f %p'
recovery_target_name = '{{target}}'
recovery_target_action = promote
"""


class RestorablePostgres(EmbeddedPostgres):
    """The steps of docs/operations.md, "Backup and restore", with the same commands."""

    target = ""

    @property
    def archive(self) -> Path:
        """Where the log of changes goes."""
        return self.directory / "archive"

    @property
    def base(self) -> Path:
        """Where the base backup goes."""
        return self.directory / "base"

    def command(self) -> Sequence[str | Path]:
        """As always, with archiving."""
        command = super().command()
        settings = self.data_directory / "postgresql.conf"
        own = _ARCHIVING.format(archive=self.archive, target=self.target)
        settings.write_text(settings.read_text() + own)
        return command

    def back_up(self) -> None:
        """pg_basebackup."""
        options = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-X", "fetch"]
        self._run([self.program("pg_basebackup"), *options, "-c", "fast", "-D", self.base])

    def mark(self, name: str) -> None:
        """A moment to go back to."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute("SELECT pg_create_restore_point(%s)", [name])

    async def archived(self) -> None:
        """Return once everything up to now is in the archive."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        await eventually(
            lambda: (self.archive / str(row[0])).exists(), message=f"{row[0]} archived"
        )

    def lose(self) -> None:
        """The machine is gone, with all that was not archived."""
        self.kill()
        shutil.rmtree(self.data_directory)

    async def restore(self, name: str) -> None:
        """Back to a moment that was marked."""
        self.target = name
        copy = ["cp", "-a", self.base, self.data_directory]
        await asyncio.to_thread(subprocess.run, copy, check=True)
        signal = self.data_directory / "recovery.signal"
        signal.touch()
        shutil.chown(signal, *_owner(self.data_directory))
        self.start()
        await eventually(
            self._is_primary, deadline_seconds=2 * DEADLINE_SECONDS, message="promoted"
        )

    def _is_primary(self) -> bool:
        with psycopg.connect(self.address) as connection:
            return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)

    def database(self, name: str) -> str:
        """Create a database; returns its address."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return urlsplit(self.address)._replace(path=f"/{name}").geturl()


def _owner(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_uid, status.st_gid


@contextmanager
def restorable_postgres() -> Iterator[RestorablePostgres]:
    """A server of its own, gone with everything at the end."""
    directory = Path(tempfile.mkdtemp(prefix="rollcall-restore-"))
    directory.chmod(0o755)
    server = RestorablePostgres(directory)
    server.archive.mkdir()
    if postgres_account.is_root():
        user = postgres_account.system_user()
        for path in (directory, server.archive):
            os.chown(path, user.pw_uid, user.pw_gid)
    try:
        server.start()
        yield server
    finally:
        server.wipe()
        shutil.rmtree(directory, ignore_errors=True)
