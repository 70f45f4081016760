"""Transactions of operators' orders: bounded waits for locks, rolled back in a dry run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from rollcall.database.failures import Failure, classify
from rollcall.errors import OperatorBusyError, OutcomeUnknownError
from rollcall.operations.audit import Order

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '10s'"


@asynccontextmanager
async def order_transaction(connection: Any, order: Order) -> AsyncIterator[None]:
    """A transaction that commits if the order is meant, and is rolled back if it is a dry run.

    So a dry run does all that the order would, under the same locks, and tells what came of it.

    Raises:
        OperatorBusyError: somebody else has held a lock for 10 s.
        OutcomeUnknownError: the commit was not answered.
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
        await _commit(transaction)


async def _commit(transaction: Any) -> None:
    try:
        await transaction.commit()
    except Exception as error:
        if classify(error) is not Failure.INFRASTRUCTURE:
            raise
        raise OutcomeUnknownError(
            "the database did not answer the commit of this order: whether it was carried out is not"
            " known; look for it in the audit before you give it again"
        ) from error
