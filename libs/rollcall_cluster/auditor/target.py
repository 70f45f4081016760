"""What is audited: one deployment, named as its own processes are told about it."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class AuditTarget(BaseSettings):
    """A deployment: its servers, schema, topic prefix and consumer group, from `ROLLCALL_*`."""

    model_config = SettingsConfigDict(env_prefix="ROLLCALL_", frozen=True, extra="ignore")

    kafka_bootstrap_servers: str = Field(
        "127.0.0.1:9092", description="Kafka brokers, host:port separated by commas."
    )
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
