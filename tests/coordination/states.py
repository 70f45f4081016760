"""A state with everything in it that JSON has no word for."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel


class Claim(BaseModel):
    """Part of a state."""

    text: str
    weight: float
    due: date


class Progress(BaseModel):
    """A state with everything in it that JSON has no word for."""

    step: int
    started_at: datetime
    cost: Decimal
    run_id: UUID
    claims: list[Claim] = []
    notes: dict[str, dict[str, list[int]]] = {}
    text: str = ""


def progress(step: int, **changes: Any) -> Progress:
    """A state at a step."""
    fields: dict[str, Any] = {
        "step": step,
        "started_at": datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
        "cost": Decimal("0.10"),
        "run_id": UUID(int=7),
    }
    return Progress.model_validate(fields | changes)
