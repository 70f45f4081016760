"""The options that select dead letters, the same for every command."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from rollcall.dead_letters.letter import LetterFilter, LetterId, State
from rollcall.errors import DeadLetterError
from rollcall_cluster.dlq.deployment import Deployment
from rollcall_cluster.options import moment

_PANEL = "Which dead letters (all that is given must hold)"

Ids = Annotated[list[str] | None, typer.Argument(metavar="TOPIC-PARTITION@OFFSET")]
Topic = Annotated[
    str | None, typer.Option(help="Read from this topic; prefix optional.", rich_help_panel=_PANEL)
]
ErrorType = Annotated[
    str | None, typer.Option(help="With this type of error.", rich_help_panel=_PANEL)
]
Fingerprint = Annotated[
    str | None, typer.Option(help="With this fingerprint of the stack.", rich_help_panel=_PANEL)
]
Since = Annotated[
    datetime | None,
    typer.Option(
        parser=moment, metavar="TIME", help="Last met then or later.", rich_help_panel=_PANEL
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option(parser=moment, metavar="TIME", help="Last met before.", rich_help_panel=_PANEL),
]
Text = Annotated[
    str | None, typer.Option(help="With this in the error's message.", rich_help_panel=_PANEL)
]
All = Annotated[
    bool, typer.Option("--all", help="Every dead letter there is.", rich_help_panel=_PANEL)
]


def selection(
    deployment: Deployment,
    ids: Sequence[str] | None,
    topic: str | None,
    error_type: str | None,
    fingerprint: str | None,
    since: datetime | None,
    until: datetime | None,
    text: str | None,
    state: State | None = None,
) -> LetterFilter:
    """Make the filter of what was typed.

    Raises:
        DeadLetterError: an id has another form.
    """
    return LetterFilter(
        topic=topic and deployment.topic(topic),
        error_type=error_type,
        fingerprint=fingerprint,
        state=state,
        since=since,
        until=until,
        text=text,
        ids=tuple(named(deployment, id_) for id_ in ids) if ids else None,
    )


def named(deployment: Deployment, text: str) -> LetterId:
    """Read an id, its topic with or without the deployment's prefix."""
    id_ = LetterId.parse(text)
    return id_._replace(topic=deployment.topic(id_.topic))


def require_choice(wanted: LetterFilter, everything: bool) -> None:
    """Refuse to touch every dead letter unless that was asked for.

    Raises:
        DeadLetterError: nothing was chosen, or both all and some.
    """
    if wanted.selects_all and not everything:
        raise DeadLetterError("choose by id or by filter, or say --all")
    if everything and not wanted.selects_all:
        raise DeadLetterError("--all contradicts the ids or filters beside it: leave one out")
