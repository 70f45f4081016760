"""Settings of a service: environment variables with the prefix ROLLCALL_, each with a bound."""

import os
import secrets
import socket
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from rollcall.access.addresses import check_address
from rollcall.access.kafka import KafkaAccess

_MOST_TOKENS = 2
_SHORTEST_TOKEN = 16
_POSTGRES_SCHEMES = ("postgresql", "postgres")
_REDIS_SCHEMES = tuple(
    scheme + topology
    for scheme in ("redis", "rediss")
    for topology in ("", "+sentinel", "+cluster")
)


def _new_instance_id() -> str:
    """New for each process: a reused host name and pid is a different instance."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def checked_postgres_dsn(given: SecretStr) -> SecretStr:
    """Refuse an address that a driver would misread, without showing it."""
    check_address(given.get_secret_value(), _POSTGRES_SCHEMES)
    return given


class ServiceSettings(KafkaAccess):
    """What every service on the runtime can be told. Services extend it by subclassing."""

    service_name: str = Field("service", description="Name in logs, metrics and published events.")
    instance_id: str = Field(
        default_factory=_new_instance_id,
        max_length=120,
        description="Unique for each process; made from host, pid and a random part if not given.",
    )

    topic_prefix: str = Field(
        "", pattern=r"^[a-zA-Z0-9._-]{0,60}$", description="Put before the name of every topic."
    )
    consumer_group: str = Field(
        "service", min_length=1, description="Consumer group; also names the lanes' producers."
    )
    session_timeout_seconds: float = Field(
        10.0, ge=1, le=300, description="Silence after which the group gives partitions away."
    )
    chunk_max_records: int = Field(
        1000, ge=1, le=10_000, description="Most records handled in one transaction."
    )
    chunk_streams: int = Field(
        2,
        ge=1,
        le=8,
        description="Chunks worked on side by side, of different partitions; each needs a connection.",
    )
    record_max_bytes: int = Field(
        1_048_576, ge=1024, description="Largest input record; larger ones become dead letters."
    )
    dead_letter_max_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Bad records of a topic beyond this share pause it; 1 = never.",
    )
    dead_letter_window_records: int = Field(
        1000, ge=1, description="Fewest records over which that share is taken."
    )
    fetch_max_bytes: int = Field(
        2_097_152, ge=65_536, description="Most bytes of one fetch and of one chunk."
    )

    postgres_dsn: SecretStr = Field(
        SecretStr("postgresql://postgres@127.0.0.1:5432/postgres"),
        description="PostgreSQL address, with user, password and database; with TLS"
        " ?sslmode=verify-full&sslrootcert=FILE.",
    )
    database_schema: str = Field("public", description="Schema that holds the service's tables.")
    database_pool_size: int = Field(
        4,
        ge=2,
        le=100,
        description="Connections for chunks, jobs and reads; one more serves the lanes.",
    )
    connect_timeout_seconds: float = Field(5.0, gt=0, description="Limit for opening a connection.")
    statement_timeout_seconds: float = Field(
        30.0, gt=0, description="Limit for one statement, enforced by the server and the client."
    )
    transaction_timeout_seconds: float = Field(
        30.0,
        gt=0,
        description="Limit for one transaction, enforced by the server: a stopped replica holds its"
        " locks no longer, and a chunk that takes longer never commits.",
    )

    redis_url: SecretStr | None = Field(
        None,
        description="Redis address; optional. redis://, redis+sentinel:// or redis+cluster://, with TLS"
        " rediss://...",
    )
    redis_prefix: str = Field(
        "rollcall",
        pattern=r"^[a-zA-Z0-9._:-]{1,60}$",
        description="Before every key and channel in Redis; one for each deployment.",
    )

    filter_enabled: bool = Field(
        False,
        description="Leave out records that were handled before without asking PostgreSQL; needs Redis."
        " Measure before: PostgreSQL alone was faster, see decision 17.",
    )
    filter_budget_seconds: float = Field(
        0.02, gt=0, le=5, description="Longest wait of a chunk for the filter."
    )
    filter_keep_seconds: float = Field(
        86_400.0, ge=1, description="A handled record is remembered for so long."
    )
    filter_max_ids: int = Field(
        500_000, ge=1000, description="Records remembered by the filter, the newest of them."
    )

    lanes: int = Field(
        4, ge=1, le=64, description="Publication logs; fixed when the schema is first used."
    )
    lane_session_timeout_seconds: int = Field(
        10, ge=3, description="Silence after which the server frees a stopped owner's lanes."
    )

    instance_forget_seconds: int = Field(
        3600,
        ge=60,
        description="Silence after which an instance that never signed off is forgotten.",
    )

    http_host: str = Field("127.0.0.1", description="Address of the HTTP server.")
    http_port: int = Field(8000, ge=0, le=65_535, description="Port of the HTTP server; 0 = any.")
    http_console: bool = Field(
        True, description="Serve the console, a read-only page of all replicas, at /console."
    )
    http_ingest: bool = Field(
        False, description="Take events over HTTP, too: POST /v1/events of 1 to 500 envelopes."
    )
    ingest_max_body_bytes: int = Field(
        4_194_304, ge=1024, description="Largest body of one such request."
    )
    ingest_max_in_flight_bytes: int = Field(
        16_777_216,
        ge=1024,
        description="Most bytes of such requests that are not answered yet; more is refused with 429.",
    )
    ingest_timeout_seconds: float = Field(
        10.0, gt=0, le=60, description="Limit for Kafka to have a request's events; then 503."
    )
    admin_tokens: SecretStr | None = Field(
        None,
        description="Bearer tokens for administration over HTTP: one, or two while they are changed,"
        " separated by a comma, of 16 characters or more; none = off.",
    )
    read_tokens: SecretStr | None = Field(
        None,
        description="Bearer tokens for the reading API, beside those above; none = all may read.",
    )
    admin_requests_per_second: float = Field(
        50.0, gt=0, le=10_000, description="Most requests of administration; beyond it 429."
    )
    read_requests_per_second: float = Field(
        1000.0, gt=0, le=100_000, description="Most requests of the reading API; beyond it 429."
    )
    http_max_body_bytes: int = Field(
        262_144,
        ge=1024,
        description="Largest body of a request that takes no events; beyond it 413.",
    )
    http_max_headers: int = Field(64, ge=16, le=1000, description="Most headers; beyond it 431.")
    http_max_header_bytes: int = Field(
        16_384, ge=4096, description="Largest head of a request; beyond it 400."
    )
    stall_seconds: float = Field(
        15.0, gt=0, description="No progress for so long while records wait: no longer ready."
    )
    loop_stall_exit_seconds: float = Field(
        60.0, ge=0, description="An event loop that stalls for so long ends the process; 0 = never."
    )
    fetch_silence_exit_seconds: float = Field(
        60.0,
        ge=0,
        description="Records wait, Kafka answers, nothing is fetched for so long: the process ends;"
        " 0 = never.",
    )
    chunk_stuck_seconds: float | None = Field(
        None,
        gt=0,
        description="A chunk that does not commit for so long: not ready; by default a third of"
        " ROLLCALL_STATEMENT_TIMEOUT_SECONDS.",
    )
    relay_behind_seconds: float = Field(
        30.0,
        gt=0,
        description="A segment unpublished, or a lane without owner, for so long: not ready.",
    )
    stop_timeout_seconds: float = Field(
        6.0, gt=0, description="Limit for finishing and flushing after SIGTERM."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log events to write."
    )
    tracing: bool = Field(
        False,
        description="Follow records that carry a trace, and send spans by OTLP over HTTP; needs the extra"
        " rollcall[otel]. Where to and how many: the standard OTEL_* variables.",
    )
    log_format: Literal["json", "console"] = Field("json", description="Form of the log lines.")

    _a_postgres_address = field_validator("postgres_dsn")(checked_postgres_dsn)

    @field_validator("redis_url")
    @classmethod
    def _a_redis_address(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None:
            check_address(given.get_secret_value(), _REDIS_SCHEMES)
        return given

    @field_validator("admin_tokens", "read_tokens")
    @classmethod
    def _few_long_tokens(cls, given: SecretStr | None) -> SecretStr | None:
        tokens = _tokens(given)
        if len(tokens) > _MOST_TOKENS:
            raise ValueError(f"{len(tokens)} tokens; at most {_MOST_TOKENS} are valid at a time")
        if any(len(token) < _SHORTEST_TOKEN for token in tokens):
            raise ValueError(
                f"a token is shorter than {_SHORTEST_TOKEN} characters: draw a longer one"
            )
        return given

    @model_validator(mode="after")
    def _room_for_a_body(self) -> Self:
        if self.ingest_max_in_flight_bytes < self.ingest_max_body_bytes:
            raise ValueError(
                "ROLLCALL_INGEST_MAX_IN_FLIGHT_BYTES is less than ROLLCALL_INGEST_MAX_BODY_BYTES:"
                " the largest request could never be taken"
            )
        return self

    @model_validator(mode="after")
    def _filter_needs_redis(self) -> Self:
        if self.filter_enabled and self.redis_url is None:
            raise ValueError("ROLLCALL_FILTER_ENABLED needs ROLLCALL_REDIS_URL")
        return self

    @model_validator(mode="after")
    def _a_connection_beside_the_chunks(self) -> Self:
        if self.database_pool_size <= self.chunk_streams:
            raise ValueError(
                f"ROLLCALL_DATABASE_POOL_SIZE={self.database_pool_size} leaves no connection for jobs"
                f" and reads beside ROLLCALL_CHUNK_STREAMS={self.chunk_streams}: make it larger"
            )
        return self

    @property
    def valid_admin_tokens(self) -> tuple[str, ...]:
        """The tokens that let administrators in; none = nobody."""
        return _tokens(self.admin_tokens)

    @property
    def valid_read_tokens(self) -> tuple[str, ...]:
        """The tokens that readers need; none = they need none."""
        return _tokens(self.read_tokens)

    @property
    def chunk_stuck_after_seconds(self) -> float:
        """How long one chunk may take before it is a problem."""
        return self.chunk_stuck_seconds or self.statement_timeout_seconds / 3

    def topic(self, name: str) -> str:
        """The name of a registry topic on this deployment's cluster."""
        return self.topic_prefix + name


def _tokens(given: SecretStr | None) -> tuple[str, ...]:
    parts = given.get_secret_value().split(",") if given else []
    return tuple(token for part in parts if (token := part.strip()))
