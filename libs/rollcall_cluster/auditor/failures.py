"""Tells failures of servers and of the disk from violations."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from aiokafka.errors import KafkaError

from rollcall_cluster.auditor.errors import CannotAuditError


@contextmanager
def failures_named() -> Iterator[None]:
    """Turn what servers, network and disk raise into `CannotAuditError`."""
    try:
        yield
    except (KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotAuditError(
            f"the audit was cut short: {type(error).__name__}: {error}"
        ) from error
    except sqlite3.OperationalError as error:
        raise CannotAuditError(
            f"scratch database: {error}; give it more room with --scratch-directory"
        ) from error
    except (OSError, TimeoutError) as error:
        raise CannotAuditError(f"connection lost: {type(error).__name__}: {error}") from error
