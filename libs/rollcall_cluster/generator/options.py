"""The options of `rollcall generate`."""

from typing import Annotated

import typer

from rollcall_cluster.generator.plan import KeyStrategy
from rollcall_cluster.generator.profiles import PROFILES

_TRAFFIC = "Traffic"
_FAULTS = "What goes wrong (shares; 0.05 is one in twenty)"
_DEPLOYMENT = "Deployment"

Profile = Annotated[
    str,
    typer.Option(help=f"Start from a named plan: {', '.join(PROFILES)}.", rich_help_panel=_TRAFFIC),
]
Batches = Annotated[
    int | None,
    typer.Option(help="Batches to register.", show_default="20", rich_help_panel=_TRAFFIC),
]
Slots = Annotated[
    int | None,
    typer.Option(
        help="Essays of a batch, on average.", show_default="50", rich_help_panel=_TRAFFIC
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        help="Events a second; 0: as fast as possible.",
        show_default="the profile's, or 0",
        rich_help_panel=_TRAFFIC,
    ),
]
Skew = Annotated[
    float | None,
    typer.Option(
        help="Spread of batch sizes, 0 (equal) to 3.",
        show_default="the profile's, or 0",
        rich_help_panel=_TRAFFIC,
    ),
]
Key = Annotated[
    KeyStrategy | None,
    typer.Option(
        help="Key of the records.", show_default="the profile's, or batch", rich_help_panel=_TRAFFIC
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        help="Same seed, same events.", show_default="a new one", rich_help_panel=_TRAFFIC
    ),
]
Duplicates = Annotated[
    float | None,
    typer.Option(
        help="Events sent again; 19: each twenty times.",
        show_default="the profile's, or 0",
        rich_help_panel=_FAULTS,
    ),
]
Excess = Annotated[
    float | None,
    typer.Option(
        help="Contents beyond the slots.",
        show_default="the profile's, or 0",
        rich_help_panel=_FAULTS,
    ),
]
Failures = Annotated[
    float | None,
    typer.Option(
        help="Slots taken by a validation failure.",
        show_default="the profile's, or 0",
        rich_help_panel=_FAULTS,
    ),
]
Early = Annotated[
    float | None,
    typer.Option(
        help="Contents sent before their registration.",
        show_default="the profile's, or 0",
        rich_help_panel=_FAULTS,
    ),
]
Malformed = Annotated[
    float | None,
    typer.Option(
        help="Records that are no event.",
        show_default="the profile's, or 0",
        rich_help_panel=_FAULTS,
    ),
]
ContentStoreUrl = Annotated[
    str,
    typer.Option(
        help="Directory or fsspec URL for the essays' texts; none: write none.",
        rich_help_panel=_DEPLOYMENT,
    ),
]
BootstrapServers = Annotated[
    str | None,
    typer.Option(
        envvar="ROLLCALL_KAFKA_BOOTSTRAP_SERVERS",
        help="Kafka brokers, host:port,...",
        rich_help_panel=_DEPLOYMENT,
    ),
]
TopicPrefix = Annotated[
    str,
    typer.Option(
        envvar="ROLLCALL_TOPIC_PREFIX", help="Put before topic names.", rich_help_panel=_DEPLOYMENT
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
