"""What operators ordered after the restored moment, as far as Kafka tells of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from essay_lifecycle_service.operations import slot_holder
from essay_lifecycle_service.store.orders import OrderStore
from rollcall.operations.runner import REPLAY_HEADER
from rollcall_cluster.reconcile.errors import ReconcileError
from rollcall_cluster.reconcile.statements import Statements

OPERATOR = "rollcall reconcile"
REASON = "announced before the database was restored; who ordered it is not known any more"


class LostOrders:
    """Carries orders out again that were announced, and writes them into the audit again.

    The entries keep their numbers, because published records carry them in a header.
    """

    def __init__(self, statements: Statements, consumer_group: str) -> None:
        self._statements = statements
        self._group = consumer_group
        self._orders = OrderStore()

    async def write_back(self) -> int:
        """Replays of output, reassignments, and ends by hand; returns how many orders.

        Raises:
            ReconcileError: what was announced cannot be carried out on this database.
        """
        lost = await self._statements.fetch("lost_orders")
        for order in lost:
            if order["header"] == REPLAY_HEADER:
                await self._note_replay(order)
            else:
                await self._reassign(order)
        newest = max((order["entry"] for order in lost), default=0)
        forced = await self._statements.fetch("forced")
        for batch_id, state, at in forced:
            newest = await self._statements.value("go_on_after", newest)
            action = "complete" if state == "completed" else "close"
            after = await self._counts(batch_id)
            given_up = {"state": "open", "open": after["missing"], "missing": 0}
            await self._write(newest, at, action, str(batch_id), after | given_up, after)
        if lost and not forced:
            await self._statements.value("go_on_after", newest)
        return len(lost) + len(forced)

    async def unannounced_closes(self) -> list[str]:
        """Batches that an operator closed without an announcement: they are open again."""
        return [str(row["batch_id"]) for row in await self._statements.fetch("closed_unannounced")]

    async def _note_replay(self, order: Any) -> None:
        counts = await self._counts(order["batch_id"])
        after = counts | {"events": order["events"]}
        subject = str(order["batch_id"])
        await self._write(order["entry"], order["at"], "replay-output", subject, counts, after)

    async def _reassign(self, order: Any) -> None:
        connection, batch_id = self._statements.connection, order["batch_id"]
        essay_id, content = order["essay_id"], order["content"]
        slot = await self._orders.lock_slot(connection, batch_id, essay_id)
        excess = await self._orders.lock_excess(connection, batch_id, content)
        if slot is None or excess is None or excess["outcome"] != "excess":
            raise ReconcileError(
                f"batch {batch_id}: content {content} was given the slot of essay {essay_id} by an"
                " operator, and the database knows no such slot or excess content; restore a newer copy"
            )
        before = await self._counts(batch_id)
        await self._orders.displace(connection, batch_id, slot["position"])
        await self._orders.give_slot(connection, slot["position"], slot["state"], excess)
        after = await self._counts(batch_id)
        await self._write(
            order["entry"],
            order["at"],
            "reassign",
            f"{batch_id}/{essay_id}",
            before | {"slot": slot_holder(slot)},
            after | {"slot": slot_holder(slot, content)},
        )

    async def _counts(self, batch_id: UUID) -> dict[str, Any]:
        counts = await self._orders.counts(self._statements.connection, batch_id)
        if counts is None:
            raise ReconcileError(
                f"batch {batch_id} is announced and registered nowhere: the input was removed by"
                " retention; restore a newer copy of the database"
            )
        return counts

    async def _write(
        self,
        entry: int,
        at: datetime,
        action: str,
        subject: str,
        before: dict[str, Any],
        after: dict[str, Any],
    ) -> None:
        values = (orjson.dumps(before).decode(), orjson.dumps(after).decode())
        await self._statements.execute(
            "write_order", entry, at, OPERATOR, action, self._group, subject, *values, REASON
        )
