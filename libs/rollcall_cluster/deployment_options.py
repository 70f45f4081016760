"""The options that name a deployment, the same for every command that looks at one as a whole."""

from typing import Annotated, Any

import typer

_PANEL = "Deployment (each falls back to its ROLLCALL_* variable)"

BootstrapServers = Annotated[
    str | None, typer.Option(help="Kafka brokers, host:port,..", rich_help_panel=_PANEL)
]
Dsn = Annotated[str | None, typer.Option(help="PostgreSQL address.", rich_help_panel=_PANEL)]
Schema = Annotated[str | None, typer.Option(help="Schema of the tables.", rich_help_panel=_PANEL)]
TopicPrefix = Annotated[
    str | None, typer.Option(help="Put before topic names.", rich_help_panel=_PANEL)
]
ConsumerGroup = Annotated[
    str | None, typer.Option(help="Group of the replicas.", rich_help_panel=_PANEL)
]


def given_settings(
    bootstrap_servers: str | None,
    dsn: str | None,
    schema: str | None,
    topic_prefix: str | None,
    consumer_group: str | None,
) -> dict[str, Any]:
    """What was typed, by the names of the settings; the environment tells the rest."""
    given = {
        "kafka_bootstrap_servers": bootstrap_servers,
        "postgres_dsn": dsn,
        "database_schema": schema,
        "topic_prefix": topic_prefix,
        "consumer_group": consumer_group,
    }
    return {name: value for name, value in given.items() if value is not None}
