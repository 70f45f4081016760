"""What an exception means for the chunk that raised it."""

import asyncpg
import pytest

from rollcall.database.failures import Failure, classify
from rollcall.errors import AccessDeniedError, ConfigurationError, PositionConflictError


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (PositionConflictError(), Failure.CONFLICT),
        (asyncpg.UniqueViolationError(), Failure.RACE),
        (asyncpg.DeadlockDetectedError(), Failure.CONTENTION),
        (asyncpg.SerializationError(), Failure.CONTENTION),
        (asyncpg.LockNotAvailableError(), Failure.CONTENTION),
        (ConnectionResetError(), Failure.INFRASTRUCTURE),
        (TimeoutError(), Failure.INFRASTRUCTURE),
        (asyncpg.InterfaceError("connection is closed"), Failure.INFRASTRUCTURE),
        (asyncpg.InternalClientError("cannot switch to state 11"), Failure.INFRASTRUCTURE),
        (asyncpg.ConnectionDoesNotExistError(), Failure.INFRASTRUCTURE),
        (asyncpg.AdminShutdownError(), Failure.INFRASTRUCTURE),
        (asyncpg.DiskFullError(), Failure.INFRASTRUCTURE),
        (asyncpg.TooManyConnectionsError(), Failure.INFRASTRUCTURE),
        (asyncpg.UndefinedTableError(), Failure.INFRASTRUCTURE),
        (asyncpg.QueryCanceledError(), Failure.INFRASTRUCTURE),
        (asyncpg.CheckViolationError(), Failure.DATA),
        (asyncpg.StringDataRightTruncationError(), Failure.DATA),
        (asyncpg.DataError("invalid input for query argument"), Failure.DATA),
        (asyncpg.ProgramLimitExceededError("index row size 4032 exceeds 2704"), Failure.DATA),
        (asyncpg.StatementTooComplexError("stack depth limit exceeded"), Failure.DATA),
        (KeyError("handler"), Failure.DATA),
        (ConfigurationError("no topic carries it"), Failure.DEFINITION),
        (AccessDeniedError("wrong password"), Failure.DEFINITION),
    ],
)
def test_a_failure_blames_the_record_only_if_the_error_speaks_of_a_value(
    error: Exception, failure: Failure
) -> None:
    assert classify(error) is failure


@pytest.mark.parametrize("file", ["varsup.c", "multixact.c", "bufmgr.c", "localbuf.c", "md.c"])
def test_a_limit_that_the_server_as_a_whole_has_reached_blames_no_record(file: str) -> None:
    """Transaction ids used up, or a table as large as one can be: the same code as a value too long."""
    error = asyncpg.ProgramLimitExceededError("database is not accepting commands")
    error.server_source_filename = file
    assert classify(error) is Failure.INFRASTRUCTURE
