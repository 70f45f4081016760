"""Settings of the essay lifecycle service: the runtime's, with its own defaults."""

from pydantic import Field

from rollcall import ServiceSettings


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
        5.0, gt=0, le=3600, description="Pause between two looks for pending content to place."
    )
