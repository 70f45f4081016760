"""The scratch database: facts from all sides on local disk, joined outside memory."""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

# SQLite's page cache; sorts beyond it go through temporary files.
_CACHE_KIBIBYTES = 64 * 1024
_PRAGMAS = (
    "page_size = 16384",
    "journal_mode = OFF",
    "synchronous = OFF",
    "locking_mode = EXCLUSIVE",
    "temp_store = FILE",
    "threads = 2",
    f"cache_size = -{_CACHE_KIBIBYTES}",
)


class Scratch:
    """A throw-away SQLite database. Nothing in it outlives the audit, so nothing in it is synced."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        for pragma in _PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")
        self._inserts: dict[str, str] = {}
        self.run("schema.sql")

    def run(self, file_name: str) -> None:
        """Execute a script of this package, such as the one that joins the facts."""
        script = resources.files(__package__).joinpath(file_name).read_text(encoding="utf-8")
        self._connection.executescript(script)

    def insert(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Append rows that have a value for every column of `table`."""
        self._connection.execute("BEGIN")
        self._connection.executemany(self._insert_into(table), rows)
        self._connection.execute("COMMIT")

    def replace(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Make `rows` all that `table` holds."""
        self._connection.execute(f"DELETE FROM {table}")
        self.insert(table, rows)

    def rows(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """Run a query and give its rows one by one, each a tuple."""
        with closing(self._connection.execute(statement, parameters or {})) as cursor:
            yield from cursor

    def row(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Run a query that gives exactly one row."""
        (row,) = self.rows(statement, parameters)
        return row

    def close(self) -> None:
        """Give up the database; its file goes with the directory."""
        self._connection.close()

    def _insert_into(self, table: str) -> str:
        if table not in self._inserts:
            columns = self.row("SELECT count(*) FROM pragma_table_info(:table)", {"table": table})[
                0
            ]
            self._inserts[table] = f"INSERT INTO {table} VALUES ({','.join('?' * columns)})"
        return self._inserts[table]


@contextmanager
def open_scratch(parent: Path | None = None) -> Iterator[Scratch]:
    """Create a scratch database in a temporary directory under `parent`; both are removed on exit.

    Plan for about 400 bytes of disk for each input event.
    """
    with tempfile.TemporaryDirectory(prefix="rollcall-verify-", dir=parent) as directory:
        with closing(Scratch(Path(directory) / "scratch.sqlite")) as scratch:
            yield scratch
