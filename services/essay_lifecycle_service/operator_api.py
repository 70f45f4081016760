"""The operator's hand over HTTP: what waits, and orders about batches, behind the tokens of administration."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from dishka.integrations.fastapi import DishkaRoute, FromDishka
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from essay_lifecycle_service.operations import BatchOperations, BatchOutcome
from rollcall.administration.access import REFUSALS
from rollcall.administration.fields import BUSY
from rollcall.administration.orders import OrderBody
from rollcall.administration.tokens import Authorize

Limit = Annotated[int, Query(ge=1, le=1000, description="Most of the answer.")]


class WaitingBatchDocument(BaseModel):
    """A batch for which something is pending; state null = nobody has registered it."""

    batch_id: UUID
    state: Literal["open", "completed", "closed"] | None
    open_count: int | None
    pending: int
    oldest_at: datetime
    oldest_seconds: float


class WaitingBatches(BaseModel):
    """Batches for which something is pending, those first for which it has waited longest."""

    batches: list[WaitingBatchDocument]


class WaitingClaimDocument(BaseModel):
    """A content or failure that waits for a slot, or for its batch."""

    kind: Literal["content", "failure"]
    identity: str
    file_upload_id: str
    first_seen_at: datetime
    age_seconds: float


class WaitingClaims(BaseModel):
    """What is pending for a batch, what has waited longest first."""

    batch_id: UUID
    pending: list[WaitingClaimDocument]


class BatchOutcomeDocument(BaseModel):
    """What an order did to a batch, or with a dry run would do: its state and counts around it.

    `events`: published once more, or as a correction. `left_out`: what could not be, and why.
    """

    batch_id: UUID
    action: str
    dry_run: bool
    before: dict[str, Any]
    after: dict[str, Any]
    events: int
    left_out: list[str]

    @classmethod
    def of(cls, outcome: BatchOutcome) -> "BatchOutcomeDocument":
        """Describe an outcome."""
        return cls.model_validate(asdict(outcome))


class ReassignOrder(OrderBody):
    """Which essay's slot goes to which content without a slot."""

    essay_id: str = Field(min_length=1, max_length=255, pattern=r"^[^\x00]+$")
    text_storage_id: str = Field(min_length=1, max_length=255, pattern=r"^[^\x00]+$")


def operator_routes(authorize: Authorize) -> APIRouter:
    """Orders about batches, for holders of a token."""
    router = APIRouter(
        prefix="/v1",
        route_class=DishkaRoute,
        tags=["batches by hand"],
        responses=REFUSALS | BUSY,
    )
    _add_reads(router)
    _add_orders(router, Annotated[str, Depends(authorize)])
    return router


def _add_reads(router: APIRouter) -> None:
    @router.get("/pending")
    async def list_pending(
        operations: FromDishka[BatchOperations], limit: Limit = 100
    ) -> WaitingBatches:
        """Batches for which contents or failures wait, with ages, the longest first."""
        found = await operations.waiting_batches(limit)
        return WaitingBatches(
            batches=[WaitingBatchDocument.model_validate(asdict(batch)) for batch in found]
        )

    @router.get("/pending/{batch_id}")
    async def list_pending_of_batch(
        batch_id: UUID, operations: FromDishka[BatchOperations], limit: Limit = 100
    ) -> WaitingClaims:
        """What waits for one batch, with ages, the longest first."""
        found = await operations.waiting_claims(batch_id, limit)
        return WaitingClaims(
            batch_id=batch_id,
            pending=[WaitingClaimDocument.model_validate(asdict(claim)) for claim in found],
        )


def _add_orders(router: APIRouter, token_type: Any) -> None:
    @router.post("/batches/{batch_id}/reconcile")
    async def reconcile(
        batch_id: UUID,
        body: OrderBody,
        token: token_type,
        operations: FromDishka[BatchOperations],
    ) -> BatchOutcomeDocument:
        """Place what is pending for a registered batch now, as the sweep would."""
        return BatchOutcomeDocument.of(await operations.reconcile(batch_id, body.order(token)))

    @router.post("/batches/{batch_id}/complete")
    async def complete(
        batch_id: UUID,
        body: OrderBody,
        token: token_type,
        operations: FromDishka[BatchOperations],
    ) -> BatchOutcomeDocument:
        """Complete an open batch with what is there: its open slots become missing."""
        outcome = await operations.end(batch_id, "completed", body.order(token))
        return BatchOutcomeDocument.of(outcome)

    @router.post("/batches/{batch_id}/close")
    async def close(
        batch_id: UUID,
        body: OrderBody,
        token: token_type,
        operations: FromDishka[BatchOperations],
    ) -> BatchOutcomeDocument:
        """Close an open batch: its open slots become missing, and it never completes."""
        outcome = await operations.end(batch_id, "closed", body.order(token))
        return BatchOutcomeDocument.of(outcome)

    @router.post("/batches/{batch_id}/reassign")
    async def reassign(
        batch_id: UUID,
        body: ReassignOrder,
        token: token_type,
        operations: FromDishka[BatchOperations],
    ) -> BatchOutcomeDocument:
        """Give a slot of a batch that has ended to one of its contents that got none."""
        outcome = await operations.reassign(
            batch_id, body.essay_id, body.text_storage_id, body.order(token)
        )
        return BatchOutcomeDocument.of(outcome)

    @router.post("/batches/{batch_id}/replay")
    async def replay(
        batch_id: UUID,
        body: OrderBody,
        token: token_type,
        operations: FromDishka[BatchOperations],
    ) -> BatchOutcomeDocument:
        """Publish all events of a batch once more, with the same ids, marked as replays."""
        return BatchOutcomeDocument.of(await operations.replay(batch_id, body.order(token)))
