"""Positions of input partitions: shown, moved back for a replay, set anew after a loss."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rollcall.consumer.positions import LogRange, PositionStore, check_position
from rollcall.consumer.records import Partition
from rollcall.database.queries import load_queries
from rollcall.errors import OperatorError
from rollcall.operations.audit import AuditStore, Order
from rollcall.operations.input_logs import InputLogs
from rollcall.operations.transactions import order_transaction

REPLAY, RESET = "replay-input", "reset-position"
RECREATED = "recreated"
"""What is said for `accept_loss` if the loss cannot be counted: the topic was recreated or truncated."""


@dataclass(slots=True, frozen=True)
class PartitionState:
    """A partition: its position (None: never handled), its log, and why it is refused, if it is."""

    partition: Partition
    next_offset: int | None
    log: LogRange
    refusal: str | None
    loss: str | None
    """What `reset` wants to hear before it goes on: lost offsets, or `recreated`."""

    @property
    def waiting(self) -> int:
        """Offsets of the log that are not handled."""
        start = self.log.start if self.next_offset is None else self.next_offset
        return max(self.log.end - max(start, self.log.start), 0)


@dataclass(slots=True, frozen=True)
class Move:
    """A position that was moved, or with a dry run would be."""

    partition: Partition
    before: int
    after: int
    loss: str | None = None


def loss_of(position: int, log: LogRange) -> str | None:
    """What was lost between a position and its log, as an operator must state it; None: nothing."""
    if position < log.start:
        return str(log.start - position)
    return RECREATED if position > log.end else None


class Positions:
    """Positions of one consumer group, through one connection that is in no transaction.

    Replicas may run meanwhile. A chunk at work whose position was moved finds that out when it
    commits, and is dropped; replicas look once a second whether positions were moved by hand, and
    read all of theirs again.
    """

    def __init__(self, connection: Any, consumer_group: str, logs: InputLogs) -> None:
        self._connection = connection
        self._group = consumer_group
        self._logs = logs
        self._store = PositionStore(consumer_group)
        self._audit = AuditStore(consumer_group)
        self._lock, self._move = load_queries(
            "rollcall.operations", "positions.sql", "lock", "move"
        )

    async def show(self, topics: Collection[str]) -> list[PartitionState]:
        """All partitions of these topics, in order."""
        partitions = await self._logs.partitions(topics)
        # In this order: a position may move while the logs are looked at, but not past their ends.
        stored = await self._store.read(self._connection, partitions)
        ranges = await self._logs.ranges(partitions)
        return [
            _state(partition, stored.get(partition), ranges[partition]) for partition in partitions
        ]

    async def replay(
        self,
        topics: Collection[str],
        partition: int | None,
        to: int | datetime | None,
        order: Order,
    ) -> list[Move]:
        """Have records handled once more, from an offset, a time or the start of the log (None) on.

        What took effect before changes nothing when it is handled again. Partitions whose positions
        are there or before already are left alone.

        Raises:
            OperatorError: no such partition; or the log does not reach back so far.
        """
        chosen = await self._chosen(topics, partition)
        ranges = await self._logs.ranges(chosen)
        targets = await self._targets(chosen, ranges, to)
        async with order_transaction(self._connection, order):
            stored = await self._locked(chosen)
            moves = [
                Move(place, stored[place], target)
                for place, target in sorted(targets.items())
                if place in stored and target < stored[place]
            ]
            await self._carry_out(moves, ranges, REPLAY, order)
        return moves

    async def reset(
        self, topics: Collection[str], partition: int, accept_loss: str | None, order: Order
    ) -> Move:
        """Go on from the start of the log where it no longer holds what the position needs.

        Raises:
            OperatorError: there is no such partition, nothing was lost, or the operator has not
                stated the loss as it is.
        """
        (place,) = await self._chosen(topics, partition)
        before = (await self._store.read(self._connection, [place])).get(place)
        ranges = await self._logs.ranges([place])
        log = ranges[place]
        loss = None if before is None else loss_of(before, log)
        if before is None or loss is None:
            raise OperatorError(
                f"{place} has lost nothing: its position {before} lies within the log"
                f" ({log.start} to {log.end}); to handle records again, use `rollcall position replay`"
            )
        move = Move(place, before, log.start, loss)
        if not order.dry_run:
            _require_statement(move, log, accept_loss)
        async with order_transaction(self._connection, order):
            if await self._locked([place]) != {place: before}:
                raise OperatorError(f"{place} was moved meanwhile: look again")
            await self._carry_out([move], ranges, RESET, order)
        return move

    async def _chosen(self, topics: Collection[str], number: int | None) -> list[Partition]:
        found = await self._logs.partitions(topics)
        chosen = [place for place in found if number in (None, place.number)]
        if not chosen:
            asked = ", ".join(sorted(topics)) + ("" if number is None else f", partition {number}")
            raise OperatorError(f"the cluster has no such partition: {asked}")
        return chosen

    async def _targets(
        self,
        chosen: Sequence[Partition],
        ranges: Mapping[Partition, LogRange],
        to: int | datetime | None,
    ) -> dict[Partition, int]:
        if to is None:
            return {place: ranges[place].start for place in chosen}
        if isinstance(to, datetime):
            return await self._logs.offsets_at(chosen, to)
        for place in chosen:
            if to < ranges[place].start:
                raise OperatorError(
                    f"the log of {place} begins at {ranges[place].start}: {to} is no longer there"
                )
        return dict.fromkeys(chosen, to)

    async def _locked(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        rows = await self._connection.fetch(
            self._lock, self._group, [p.topic for p in partitions], [p.number for p in partitions]
        )
        return {Partition(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def _carry_out(
        self,
        moves: Sequence[Move],
        ranges: Mapping[Partition, LogRange],
        action: str,
        order: Order,
    ) -> None:
        for move in moves:
            place, log = move.partition, ranges[move.partition]
            await self._connection.execute(self._move, self._group, *place, move.after)
            after: dict[str, Any] = {
                "next_offset": move.after,
                "log_start": log.start,
                "log_end": log.end,
            }
            if move.loss:
                after["lost"] = move.loss
            before = {"next_offset": move.before}
            await self._audit.write(self._connection, order, action, str(place), before, after)


def _state(partition: Partition, position: int | None, log: LogRange) -> PartitionState:
    if position is None:
        return PartitionState(partition, None, log, None, None)
    refusal = check_position(partition, position, log)
    return PartitionState(
        partition, position, log, refusal.reason if refusal else None, loss_of(position, log)
    )


def _require_statement(move: Move, log: LogRange, stated: str | None) -> None:
    if stated == move.loss:
        return
    if move.loss == RECREATED:
        what = (
            f"position {move.before} of {move.partition} is beyond the end of its log ({log.end}): the"
            " topic was recreated or truncated, and what was not handled of it before cannot be counted"
        )
    else:
        what = (
            f"position {move.before} of {move.partition} is below the start of its log ({log.start}):"
            f" {move.loss} offsets were removed before they were handled"
        )
    said = f"; you said {stated}" if stated else ""
    raise OperatorError(f"{what}. To go on without it, say --accept-loss {move.loss}{said}")
