"""Ended batches that are old enough to be purged, and what a purge leaves of them."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from rollcall_cluster.purge.purging import Purged

DAY = 86_400

RunPurge = Callable[..., Awaitable[Purged]]


async def grow_old(connection: Any) -> None:
    """Everything that has ended did so ten days ago."""
    await connection.execute(
        "UPDATE batch SET completed_at = completed_at - interval '10 days',"
        " closed_at = closed_at - interval '10 days'"
    )
    await connection.execute(
        "UPDATE unplaced SET first_seen_at = first_seen_at - interval '10 days'"
    )


async def publish(connection: Any) -> None:
    """What the relay leaves when everything is in Kafka."""
    await connection.execute("DELETE FROM segment")


async def left(connection: Any, batch_id: UUID) -> dict[str, int]:
    """Rows of a batch by table."""
    return {
        table: await connection.fetchval(
            f"SELECT count(*) FROM {table} WHERE batch_id = $1", batch_id
        )
        for table in ("batch", "slot", "unplaced", "completion")
    }
