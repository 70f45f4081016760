"""The operator's hand on a test's batches, and what the audit says of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from essay_lifecycle_service.operations import BatchOperations
from essay_lifecycle_service.wiring import batch_operations
from rollcall.operations.audit import AuditEntry, AuditFilter, AuditStore, Order
from rollcall.operations.runner import GiveUp, OrderRunner
from rollcall.outbox.raw_record import RawRecord
from rollcall.outbox.segment import SegmentCodec
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.db.connected import connected

GROUP = "essay-lifecycle-service"
BY_HAND = Order("ops", "term is over")
TRIED = Order("ops", dry_run=True)


def hand_on(database: str) -> BatchOperations:
    """The orders of an operator, each on a connection of its own."""
    return batch_operations(order_runner(database, lambda job, error: None))


def order_runner(database: str, give_up: GiveUp) -> OrderRunner:
    """Runs orders, each on a connection of its own."""

    @asynccontextmanager
    async def acquire() -> AsyncIterator[Any]:
        async with connected(database, "els") as own:
            yield own

    return OrderRunner(acquire, Topology(TOPICS), GROUP, GROUP, lambda event, fields: None, give_up)


async def audited(connection: Any) -> list[AuditEntry]:
    """The audit, the oldest first."""
    return (await AuditStore(GROUP).find(connection, AuditFilter(), 1000))[::-1]


async def marked(connection: Any, header: str) -> list[RawRecord]:
    """Records with a header that wait for the relay, lane after lane."""
    codec = SegmentCodec()
    rows = await connection.fetch("SELECT payload FROM segment ORDER BY lane, id")
    records = [record for row in rows for record in codec.decode(row["payload"])]
    return [
        record
        for record in records
        if isinstance(record, RawRecord) and header in dict(record.headers)
    ]


async def fingerprint(connection: Any) -> list[Any]:
    """All that an order could change."""
    tables = ("batch", "slot", "unplaced", "completion", "segment", "operator_audit")
    return [
        await connection.fetchval(
            f"SELECT md5(string_agg(t::text, ';' ORDER BY t::text)) FROM {t} t"
        )
        for t in tables
    ]


async def tried_in_vain(connection: Any, order: Any) -> Any:
    """The outcome of a dry run, after which nothing is different."""
    before = await fingerprint(connection)
    outcome = await order
    assert outcome.dry_run
    assert await fingerprint(connection) == before
    return outcome
