"""Positions of input partitions over HTTP: shown, moved back, reset after a loss."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from rollcall.administration.fields import BUSY, Moment, Text
from rollcall.administration.orders import OrderBody
from rollcall.administration.selection import prefixed
from rollcall.administration.tokens import Authorize
from rollcall.database.pool import Database
from rollcall.errors import OperatorError
from rollcall.operations.input_logs import open_input_logs
from rollcall.operations.positions import Move, PartitionState, Positions
from rollcall.operations.turns import Turns
from rollcall.settings import ServiceSettings
from rollcall.topology import Topology


class PartitionDocument(BaseModel):
    """An input partition: its position (null: never handled) and its log from start to end, exclusive.

    `refused` says why it is not consumed; `loss` is what a reset wants to hear.
    """

    topic: str
    partition: int
    next_offset: int | None
    log_start: int
    log_end: int
    waiting: int
    refused: str | None
    loss: str | None

    @classmethod
    def of(cls, state: PartitionState) -> "PartitionDocument":
        """Describe one."""
        return cls(
            topic=state.partition.topic,
            partition=state.partition.number,
            next_offset=state.next_offset,
            log_start=state.log.start,
            log_end=state.log.end,
            waiting=state.waiting,
            refused=state.refusal,
            loss=state.loss,
        )


class PositionList(BaseModel):
    """Every input partition, by topic and number."""

    partitions: list[PartitionDocument]


class MoveDocument(BaseModel):
    """A position that was moved: offsets from `after` up to `before` are handled again, or `loss` is given up."""

    topic: str
    partition: int
    before: int
    after: int
    loss: str | None

    @classmethod
    def of(cls, move: Move) -> "MoveDocument":
        """Describe one."""
        topic, partition = move.partition
        return cls(
            topic=topic, partition=partition, before=move.before, after=move.after, loss=move.loss
        )


class Moves(BaseModel):
    """The positions that were moved, or with a dry run would be."""

    action: str
    dry_run: bool
    moved: list[MoveDocument]


class ReplayOrder(OrderBody):
    """From where on which input is handled once more."""

    topic: Text = Field(description="An input topic; prefix optional.")
    partition: int | None = Field(None, ge=0, description="Of it; all partitions if not given.")
    to: Annotated[int, Field(ge=0)] | Literal["earliest"] | Moment = Field(
        description="An offset, a time (ISO 8601), or earliest."
    )


class ResetOrder(OrderBody):
    """Which partition goes on from the start of its log, and what is lost by that."""

    topic: Text = Field(description="An input topic; prefix optional.")
    partition: int = Field(ge=0)
    accept_loss: Text | None = Field(
        None, description="The loss as GET /v1/positions tells it; not needed for a dry run."
    )


class _Desk:
    """Positions of this deployment; orders take turns, so that they need one connection at most."""

    def __init__(self, settings: ServiceSettings, topology: Topology, database: Database) -> None:
        self._settings = settings
        self._topics = [settings.topic(topic.name) for topic in topology.inputs]
        self._database = database
        self._turns = Turns()

    def named(self, topic: str) -> list[str]:
        """The topic on the cluster.

        Raises:
            OperatorError: this deployment does not consume it.
        """
        name = prefixed(topic, self._settings.topic_prefix)
        if name not in self._topics:
            raise OperatorError(f"{name} is no input topic; there are {', '.join(self._topics)}")
        return [name]

    @asynccontextmanager
    async def positions(self) -> AsyncIterator[Positions]:
        """Connect to Kafka and the database once every request before this one is done."""
        async with (
            self._turns.next(),
            open_input_logs(self._settings) as logs,
            self._database.acquire() as connection,
        ):
            yield Positions(connection, self._settings.consumer_group, logs)

    async def show(self) -> list[PartitionState]:
        """All input partitions."""
        async with self.positions() as positions:
            return await positions.show(self._topics)


def add_position_routes(
    router: APIRouter,
    settings: ServiceSettings,
    topology: Topology,
    database: Database,
    authorize: Authorize,
) -> None:
    """Add the routes to a router that asks for a token."""
    desk = _Desk(settings, topology, database)

    @router.get("/positions", tags=["positions"], responses=BUSY)
    async def list_positions() -> PositionList:
        """Positions of the input partitions beside what their logs hold."""
        return PositionList(partitions=[PartitionDocument.of(one) for one in await desk.show()])

    @router.post("/positions/replay", tags=["positions"], responses=BUSY)
    async def replay_input(order: ReplayOrder, token: Annotated[str, Depends(authorize)]) -> Moves:
        """Have records handled once more, beside running replicas; what took effect takes none again."""
        to = None if order.to == "earliest" else order.to
        async with desk.positions() as positions:
            moves = await positions.replay(
                desk.named(order.topic), order.partition, to, order.order(token)
            )
        return _told("replay", order, moves)

    @router.post("/positions/reset", tags=["positions"], responses=BUSY)
    async def reset_position(order: ResetOrder, token: Annotated[str, Depends(authorize)]) -> Moves:
        """Go on from the start of a log that no longer holds what the position needs.

        Refused unless `accept_loss` states the loss.
        """
        async with desk.positions() as positions:
            move = await positions.reset(
                desk.named(order.topic), order.partition, order.accept_loss, order.order(token)
            )
        return _told("reset", order, [move])


def _told(action: str, order: OrderBody, moves: list[Move]) -> Moves:
    moved = [MoveDocument.of(move) for move in moves]
    return Moves(action=action, dry_run=order.dry_run, moved=moved)
