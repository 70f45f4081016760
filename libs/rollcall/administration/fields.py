"""Fields that requests of administration share, and what routes answer beside documents."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

Text = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
Moment = Annotated[datetime, AfterValidator(lambda at: at if at.tzinfo else at.replace(tzinfo=UTC))]
"""A time in ISO 8601; one without zone is UTC."""

BUSY: dict[int | str, dict[str, Any]] = {503: {"description": "Another order is under way here"}}
