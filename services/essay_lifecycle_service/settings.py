"""Settings of the essay lifecycle service: the runtime's, with its own defaults."""

from pydantic import Field

from rollcall import ServiceSettings
from rollcall_events import MAX_DEADLINE_SECONDS, DeadlinePolicy


class EssayLifecycleSettings(ServiceSettings):
    """What the service can be told, through ROLLCALL_* variables."""

    service_name: str = Field(
        "essay-lifecycle-service", description="Name in logs, metrics and published events."
    )
    consumer_group: str = Field(
        "essay-lifecycle-service",
        min_length=1,
        description="Consumer group; also names the lanes' producers.",
    )
    database_schema: str = Field("els", description="Schema that holds the service's tables.")
    sweep_seconds: float = Field(
        5.0,
        gt=0,
        le=3600,
        description="Pause between two looks for pending content and for deadlines that passed.",
    )
    batch_deadline_seconds: int = Field(
        0,
        ge=0,
        le=MAX_DEADLINE_SECONDS,
        description="Deadline of batches whose registration names none, from registration; 0 = none.",
    )
    batch_deadline_policy: DeadlinePolicy = Field(
        DeadlinePolicy.KEEP_OPEN,
        description="What becomes of a batch at its deadline if its registration does not say:"
        " keep_open, complete_partial or close.",
    )
