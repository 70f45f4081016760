"""What is answered to an upstream, event by event."""

from typing import Literal

from pydantic import BaseModel


class EventOutcome(BaseModel):
    """What became of the event at `index` of the request.

    accepted: Kafka has it, at this place. refused: it would never be handled; `error_type` and `detail` say
    why. unknown: Kafka did not answer in time; send it again.
    """

    index: int
    outcome: Literal["accepted", "refused", "unknown"]
    event_id: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    error_type: str | None = None
    detail: str | None = None


class IngestAnswer(BaseModel):
    """Counts, and one outcome for each event of the request, in its order."""

    accepted: int
    refused: int
    events: list[EventOutcome]
