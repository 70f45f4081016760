"""The routes of administration: what `rollcall dlq` and `rollcall topic` do, over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, HTTPException, Path, Query
from pydantic import Field

from rollcall import failpoints
from rollcall.administration.access import REFUSALS, Access
from rollcall.administration.audit import add_audit_routes
from rollcall.administration.documents import (
    LetterDocument,
    LetterPage,
    OutcomeDocument,
    PauseDocument,
    TopicChange,
    TopicDocument,
    TopicList,
    TopicOutcome,
)
from rollcall.administration.fields import BUSY
from rollcall.administration.orders import OrderBody, operator_named
from rollcall.administration.positions import add_position_routes
from rollcall.administration.selection import (
    DiscardOrder,
    ListQuery,
    Order,
    RedriveOrder,
    named,
    prefixed,
)
from rollcall.administration.tokens import Authorize
from rollcall.consumer.pauses import PauseStore
from rollcall.database.pool import Database
from rollcall.dead_letters.letter import LetterFilter
from rollcall.dead_letters.operations import DeadLetters, Outcome, Portion
from rollcall.failpoints import Failpoint
from rollcall.operations.transactions import order_transaction
from rollcall.operations.turns import Turns
from rollcall.settings import ServiceSettings
from rollcall.topology import Topology

log = structlog.get_logger()

_HISTORY = 50
_NAME = r"^[a-zA-Z0-9._-]+$"

_ABSENT: dict[int | str, dict[str, Any]] = {404: {"description": "There is none of that name"}}

TopicName = Annotated[
    str, Path(max_length=249, pattern=_NAME, description="An input topic; prefix optional.")
]


class PauseOrder(OrderBody):
    """On whose word a topic is paused, and why: every replica shows the reason."""

    reason: str = Field(min_length=1, max_length=2000, pattern=r"^[^\x00]+$", description="Why.")


def administration_routes(
    settings: ServiceSettings, topology: Topology, database: Database, access: Access
) -> APIRouter:
    """Every route of administration, for holders of a token."""
    authorize = access.authorize
    router = APIRouter(prefix="/v1", responses=REFUSALS, dependencies=access.for_administrators)
    _add_dead_letter_routes(router, _LetterDesk(settings, topology, database), authorize)
    _add_topic_routes(router, _TopicDesk(settings, topology, database), authorize)
    add_audit_routes(router, settings.consumer_group, database)
    add_position_routes(router, settings, topology, database, authorize)
    return router


class _LetterDesk:
    """Dead letters of this deployment, each request on one connection of the pool.

    Orders take turns: together they never hold more than one of the connections that chunks need.
    """

    def __init__(self, settings: ServiceSettings, topology: Topology, database: Database) -> None:
        self.prefix = settings.topic_prefix
        self._group = settings.consumer_group
        self._topology = topology
        self._database = database
        self._turns = Turns()

    @asynccontextmanager
    async def letters(self) -> AsyncIterator[DeadLetters]:
        """Connect."""
        async with self._database.acquire() as connection:
            yield DeadLetters(connection, self._topology, self._group, self.prefix)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[DeadLetters]:
        """Connect once every order before this one is done.

        Raises:
            OperatorBusyError: that takes too long.
        """
        async with self._turns.next(), self.letters() as letters:
            yield letters

    def answer(self, order: Order, action: str, token: str, outcome: Outcome) -> OutcomeDocument:
        """Log and describe what was done."""
        if not order.dry_run:
            log.info(f"dead_letters_{action}", by=order.by, token=token, count=outcome.touched)
        return OutcomeDocument.of(outcome, action, order.dry_run)


def _add_dead_letter_routes(router: APIRouter, desk: _LetterDesk, authorize: Authorize) -> None:
    tags: list[Any] = ["dead letters"]
    prefix = desk.prefix

    @router.get("/dead-letters", tags=tags)
    async def list_dead_letters(query: Annotated[ListQuery, Query()]) -> LetterPage:
        """Dead letters in order of place, a page at a time, and counts of all that match."""
        wanted = query.wanted(prefix, None if query.state == "any" else query.state)
        behind = query.behind(prefix)
        async with desk.letters() as letters:
            counts = await letters.count(wanted)
            found = await letters.find(wanted, query.limit + 1, behind)
        return LetterPage.of(counts, found, query.limit)

    @router.get("/dead-letters/{id}", tags=tags, responses=_ABSENT)
    async def show_dead_letter(id: str) -> LetterDocument:  # noqa: A002 - the name in the path
        """One dead letter whole. `id` is TOPIC-PARTITION@OFFSET."""
        place = named(id, prefix)
        async with desk.letters() as letters:
            if not await letters.find(LetterFilter(ids=(place,)), 1):
                raise HTTPException(404, f"{place} is no dead letter of this deployment")
            return LetterDocument.whole(await letters.show(place))

    @router.post("/dead-letters/redrive", tags=tags, responses=BUSY)
    async def redrive(
        order: RedriveOrder, token: Annotated[str, Depends(authorize)]
    ) -> OutcomeDocument:
        """Send dead letters through their topics once more, each exactly once."""
        wanted = order.chosen(prefix)
        portion = Portion(order.limit, order.behind(prefix))
        by = operator_named(order.by, token)
        async with desk.turn() as letters:
            outcome = await letters.redrive(
                wanted, by, order.reason, dry_run=order.dry_run, portion=portion
            )
        return desk.answer(order, "redriven", token, outcome)

    @router.post("/dead-letters/discard", tags=tags, responses=BUSY)
    async def discard(
        order: DiscardOrder, token: Annotated[str, Depends(authorize)]
    ) -> OutcomeDocument:
        """Give dead letters up; their rows stay."""
        wanted = order.chosen(prefix)
        portion = Portion(order.limit, order.behind(prefix))
        by = operator_named(order.by, token)
        async with desk.turn() as letters:
            outcome = await letters.discard(
                wanted, by, order.reason, dry_run=order.dry_run, portion=portion
            )
        return desk.answer(order, "discarded", token, outcome)


class _TopicDesk:
    """The input topics of this deployment and their pauses."""

    def __init__(self, settings: ServiceSettings, topology: Topology, database: Database) -> None:
        self._prefix = settings.topic_prefix
        self._names = [settings.topic(topic.name) for topic in topology.inputs]
        self._database = database
        self._store = PauseStore(settings.consumer_group)

    def named(self, topic: str) -> str:
        """The topic on the cluster.

        Raises:
            HTTPException: 404 if this deployment does not consume it.
        """
        if (name := prefixed(topic, self._prefix)) not in self._names:
            raise HTTPException(
                404, f"{name} is no input topic; there are {', '.join(self._names)}"
            )
        return name

    async def list(self) -> TopicList:
        """All, with pauses and the newest changes."""
        async with self._database.acquire() as connection:
            pauses = {pause.topic: pause for pause in await self._store.read(connection)}
            changes = await self._store.history(connection, _HISTORY)
        return TopicList(
            topics=[
                TopicDocument(
                    topic=name,
                    paused=PauseDocument.model_validate(asdict(pauses[name]))
                    if name in pauses
                    else None,
                )
                for name in sorted({*self._names, *pauses})
            ],
            history=[TopicChange.model_validate(asdict(change)) for change in changes],
        )

    async def pause(self, topic: str, body: OrderBody, token: str) -> TopicOutcome:
        """Stop a topic."""
        name, order = self.named(topic), body.order(token)
        async with self._database.acquire() as connection, order_transaction(connection, order):
            changed = await self._store.pause(connection, name, order.reason, order.by)
        return TopicOutcome(topic=name, action="paused", changed=changed, dry_run=order.dry_run)

    async def resume(self, topic: str, body: OrderBody, token: str) -> TopicOutcome:
        """Let a topic go on."""
        name, order = self.named(topic), body.order(token)
        async with self._database.acquire() as connection, order_transaction(connection, order):
            changed = await self._store.resume(connection, name, order.reason, order.by)
        failpoints.reached(Failpoint.RESUME_WRITTEN)
        return TopicOutcome(topic=name, action="resumed", changed=changed, dry_run=order.dry_run)


def _add_topic_routes(router: APIRouter, desk: _TopicDesk, authorize: Authorize) -> None:
    tags: list[Any] = ["topics"]

    @router.get("/topics", tags=tags)
    async def list_topics() -> TopicList:
        """The input topics, which of them are paused, and who changed that last."""
        return await desk.list()

    @router.post("/topics/{topic}/pause", tags=tags, responses=_ABSENT)
    async def pause(
        topic: TopicName, order: PauseOrder, token: Annotated[str, Depends(authorize)]
    ) -> TopicOutcome:
        """Stop a topic in all replicas, within about a second, until it is resumed."""
        return await desk.pause(topic, order, token)

    @router.post("/topics/{topic}/resume", tags=tags, responses=_ABSENT)
    async def resume(
        topic: TopicName, order: OrderBody, token: Annotated[str, Depends(authorize)]
    ) -> TopicOutcome:
        """Let a topic go on where it stopped, in all replicas, within about a second."""
        return await desk.resume(topic, order, token)
