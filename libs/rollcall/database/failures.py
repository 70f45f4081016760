"""What an exception out of a chunk's transaction means for the chunk."""

import errno
from enum import Enum

import asyncpg

from rollcall.errors import ConfigurationError, DeadLetterLimitError, PositionConflictError


class Failure(Enum):
    """The closed set of reasons for which a chunk does not commit."""

    CONFLICT = "conflict"
    """Another instance owns the partition: drop the chunk and read the positions again."""
    LIMIT = "limit"
    """Too many records of a topic are bad: drop the chunk, pause the topic."""
    DEFINITION = "definition"
    """The program or its settings are wrong, whatever the records: drop the chunk, end the process."""
    RACE = "race"
    """Another transaction inserted the same key first: run again, now seeing the winner."""
    CONTENTION = "contention"
    """Deadlock or lock timeout: run again, for ever; it says nothing about any record."""
    INFRASTRUCTURE = "infrastructure"
    """Server, network or schema: wait and run again, for ever; no position moves."""
    DATA = "data"
    """A record in the chunk: bisect until it stands alone, then set it aside."""


# All that says "no database now" and nothing about what was asked of it. asyncpg's InternalClientError
# belongs here: a session that the server ends between two statements can leave the client's
# protocol in a state that the next statement does not fit.
DATABASE_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

_CONTENTION = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)
# SQLSTATE classes that speak of a value: 21 cardinality, 22 data, 23 integrity constraint, 54 limit (too
# long for an index, nested too deeply), P0 raised.
_DATA_CLASSES = frozenset({"21", "22", "23", "54", "P0"})
# Where PostgreSQL uses class 54 of the server as a whole: transaction ids used up, a table too large.
_SERVER_LIMITS = frozenset({"varsup.c", "multixact.c", "bufmgr.c", "localbuf.c", "md.c"})
# What the operating system says of a file's name: it is not there, there already, of another kind, impossible.
_NAME_ERRORS = frozenset(
    {errno.ENOENT, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}
)


def classify(error: BaseException) -> Failure:
    """Tell which kind of failure `error` is.

    Errors of the database that do not speak of a value (a statement that is wrong, a server that is
    full or shutting down) say nothing against the record: they are retried, not dead-lettered. So are
    errors of the operating system, which is how a lost connection shows, but for those that speak of a
    file's name: that name is the handler's or the record's.
    """
    if isinstance(error, PositionConflictError):
        return Failure.CONFLICT
    if isinstance(error, DeadLetterLimitError):
        return Failure.LIMIT
    if isinstance(error, ConfigurationError):
        return Failure.DEFINITION
    if isinstance(error, asyncpg.UniqueViolationError):
        return Failure.RACE
    if isinstance(error, _CONTENTION):
        return Failure.CONTENTION
    if isinstance(error, asyncpg.PostgresError):
        return Failure.DATA if _speaks_of_a_value(error) else Failure.INFRASTRUCTURE
    if isinstance(error, asyncpg.DataError) or _speaks_of_a_name(error):
        return Failure.DATA
    if isinstance(error, DATABASE_ERRORS):
        return Failure.INFRASTRUCTURE
    return Failure.DATA


def _speaks_of_a_value(error: asyncpg.PostgresError) -> bool:
    sqlstate = str(getattr(error, "sqlstate", "") or "")
    file = getattr(error, "server_source_filename", None)
    return sqlstate[:2] in _DATA_CLASSES and not (sqlstate[:2] == "54" and file in _SERVER_LIMITS)


def _speaks_of_a_name(error: BaseException) -> bool:
    """Tell a file that a handler asked for from the socket of a server, which has no `filename`."""
    return isinstance(error, OSError) and error.filename is not None and error.errno in _NAME_ERRORS
