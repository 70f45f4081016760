"""The read API: batches, their essays, and where each essay stands."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from dishka.integrations.fastapi import DishkaRoute, FromDishka
from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel

from essay_lifecycle_service.reader import BatchReader

router = APIRouter(prefix="/v1", route_class=DishkaRoute)

EssayId = Annotated[str, Path(min_length=1, max_length=255, pattern=r"^[^\x00]+$")]


class Timeline(BaseModel):
    """When a batch reached each stage; null = not yet."""

    registered_at: datetime
    first_taken_at: datetime | None
    last_taken_at: datetime | None
    completed_at: datetime | None
    deadline_at: datetime | None
    timed_out_at: datetime | None
    closed_at: datetime | None
    purged_at: datetime | None


class Batch(BaseModel):
    """Counts and state of a batch. filled + failed + missing + open = expected."""

    batch_id: UUID
    state: Literal["open", "completed", "closed"]
    deadline_policy: Literal["keep_open", "complete_partial", "close"] | None
    course_code: str
    expected_count: int
    filled_count: int
    failed_count: int
    missing_count: int
    open_count: int
    pending_count: int
    excess_count: int
    timeline: Timeline


class Essay(BaseModel):
    """A slot and what took it."""

    batch_id: UUID
    essay_id: str
    position: int
    state: Literal["open", "filled", "failed", "missing"]
    text_storage_id: str | None
    file_upload_id: str | None
    validation_error_code: str | None
    taken_at: datetime | None


class EssayPage(BaseModel):
    """Slots in order of position; `next_after` continues, null at the end."""

    essays: list[Essay]
    next_after: int | None


NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "No such batch or essay"}}
GONE: dict[int | str, dict[str, Any]] = {
    410: {"description": "The batch was purged: its counts are left, its essays are not"}
}


@router.get("/batches/{batch_id}", responses=NOT_FOUND)
async def get_batch(batch_id: UUID, reader: FromDishka[BatchReader]) -> Batch:
    """Counts, state and timeline of a batch."""
    row = await reader.batch(batch_id)
    if row is None:
        raise HTTPException(404, f"batch {batch_id} is not registered")
    return Batch.model_validate({**row, "timeline": dict(row)})


@router.get("/batches/{batch_id}/essays", responses=NOT_FOUND | GONE)
async def get_essays(
    batch_id: UUID,
    reader: FromDishka[BatchReader],
    after: Annotated[int, Query(ge=-1, le=2**31 - 1, description="Position to go on after")] = -1,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most essays in the answer")] = 500,
) -> EssayPage:
    """The slots of a batch, a page at a time."""
    rows = await reader.essays(batch_id, after, limit + 1)
    if not rows:
        await _require_essays(batch_id, reader, f"batch {batch_id} is not registered")
    essays = [Essay.model_validate(dict(row)) for row in rows[:limit]]
    return EssayPage(essays=essays, next_after=essays[-1].position if len(rows) > limit else None)


@router.get("/essays/{batch_id}/{essay_id:path}", responses=NOT_FOUND | GONE)
async def get_essay(batch_id: UUID, essay_id: EssayId, reader: FromDishka[BatchReader]) -> Essay:
    """Where one essay stands."""
    row = await reader.essay(batch_id, essay_id)
    if row is None:
        missing = f"batch {batch_id} has no essay {essay_id}"
        await _require_essays(batch_id, reader, missing)
        raise HTTPException(404, missing)
    return Essay.model_validate(dict(row))


async def _require_essays(batch_id: UUID, reader: BatchReader, missing: str) -> None:
    """Answer for a batch that is not there, or of which the essays are gone."""
    batch = await reader.batch(batch_id)
    if batch is None:
        raise HTTPException(404, missing)
    if batch["purged_at"] is not None:
        raise HTTPException(410, f"batch {batch_id} was purged at {batch['purged_at']:%Y-%m-%d}")
