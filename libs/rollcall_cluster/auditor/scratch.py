"""The scratch database: facts from all sides on local disk, joined outside memory."""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    "temp_store = FILE",
    "threads = 2",
    f"cache_size = -{_CACHE_KIBIBYTES}",
)


# Tables that the readers of logs fill.
LOG_FACTS = (
    "sighting",
    "announcement",
    "publication",
    "marked",
    "flaw",
    "registration",
    "verdict",
    "dead_letter_event",
)


class Scratch:
    """A throw-away SQLite database. Nothing in it outlives the audit, so nothing in it is synced."""

    def __init__(self, file: Path, *, create: bool = True) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        for pragma in _PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")
        self._sort_in(file.parent)
        self._inserts: dict[str, str] = {}
        if create:
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
        self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own table names
        self.insert(table, rows)

    def rows(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """Run a query and give its rows one by one, each a tuple."""
        with closing(self._connection.execute(statement, parameters or {})) as cursor:
            yield from cursor

    def row(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Run a query that gives exactly one row."""
        (row,) = self.rows(statement, parameters)
        return row

    def attach(self, shards: Sequence[Path]) -> None:
        """Read the facts about logs from `shards`, too, from now on; nothing may be added to them."""
        for number, file in enumerate(shards):
            self._connection.execute(f"ATTACH :file AS shard{number}", {"file": str(file)})
        databases = ["main", *(f"shard{number}" for number in range(len(shards)))]
        for table in LOG_FACTS:
            parts = " UNION ALL ".join(f"SELECT * FROM {name}.{table}" for name in databases)  # noqa: S608
            self._connection.execute(f"CREATE TEMP VIEW {table} AS {parts}")

    def close(self) -> None:
        """Give up the database; its file goes with the directory."""
        self._sort_in("")
        self._connection.close()

    def _sort_in(self, directory: Path | str) -> None:
        """Where sorts spill to; one setting for the whole process, so it is taken back at the end."""
        quoted = str(directory).replace("'", "''")
        self._connection.execute(f"PRAGMA temp_store_directory = '{quoted}'")

    def _insert_into(self, table: str) -> str:
        if table not in self._inserts:
            columns = self.row("SELECT count(*) FROM pragma_table_info(:table)", {"table": table})[
                0
            ]
            self._inserts[table] = f"INSERT INTO {table} VALUES ({','.join('?' * columns)})"  # noqa: S608
        return self._inserts[table]


@contextmanager
def scratch_directory(parent: Path | None = None) -> Iterator[Path]:
    """A temporary directory under `parent`, removed on exit.

    Plan for about 600 bytes of disk for each input event.
    """
    with tempfile.TemporaryDirectory(prefix="rollcall-verify-", dir=parent) as directory:
        yield Path(directory)
