"""What is audited: one deployment, named as its own processes are told about it."""

from pydantic import Field, SecretStr, field_validator

from rollcall.access.kafka import KafkaAccess
from rollcall.settings import checked_postgres_dsn


class AuditTarget(KafkaAccess):
    """A deployment: its servers, schema, topic prefix and consumer group, from `ROLLCALL_*`."""

    postgres_dsn: SecretStr = Field(
        SecretStr("postgresql://postgres@127.0.0.1:5432/postgres"),
        description="PostgreSQL address, with user, password and database.",
    )
    database_schema: str = Field("els", description="Schema that holds the service's tables.")
    topic_prefix: str = Field("", description="Put before the name of every topic.")
    consumer_group: str = Field(
        "essay-lifecycle-service", description="Consumer group whose positions are audited."
    )
    record_max_bytes: int = Field(
        1_048_576, ge=1024, description="Larger input records must be dead letters."
    )
    connect_timeout_seconds: float = Field(
        10.0, gt=0, description="Limit for reaching a server, and for a read without progress."
    )

    _a_postgres_address = field_validator("postgres_dsn")(checked_postgres_dsn)
