"""Transactions of operators' orders: bounded waits for locks, rolled back in a dry run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from rollcall.errors import OperatorBusyError
from rollcall.operations.audit import Order

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '10s'"


@asynccontextmanager
async def order_transaction(connection: Any, order: Order) -> AsyncIterator[None]:
    """A transaction that commits if the order is meant, and is rolled back if it is a dry run.

    So a dry run does all that the order would, under the same locks, and tells what came of it.

    Raises:
        OperatorBusyError: somebody else has held a lock for 10 s.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(_LOCK_TIMEOUT)
        yield
    except BaseException as error:
        await transaction.rollback()
        if isinstance(error, asyncpg.LockNotAvailableError):
            raise OperatorBusyError(
                "somebody else has held what this order needs for 10 s; nothing was changed: try again"
            ) from error
        raise
    if order.dry_run:
        await transaction.rollback()
    else:
        await transaction.commit()
