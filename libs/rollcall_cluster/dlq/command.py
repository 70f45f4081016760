"""`rollcall dlq list|show|redrive|discard`."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer

from rollcall.dead_letters.letter import Letter, LetterCount, LetterId, LetterSummary
from rollcall.dead_letters.operations import Outcome
from rollcall_cluster.dlq import selection as select
from rollcall_cluster.dlq.deployment import Deployment
from rollcall_cluster.dlq.documents import letter_document, listing_document, outcome_document
from rollcall_cluster.dlq.rendering import print_letter, print_listing, print_outcome
from rollcall_cluster.options import By, DryRun, Json, Reason, group_of, operator

INCOMPLETE = 1
"""Exit code when something that was asked for was left as it is."""


def dlq_commands() -> typer.Typer:
    """Build the group of commands."""
    commands: dict[str, Callable[..., Any]] = {
        "list": list_command,
        "show": show_command,
        "redrive": redrive_command,
        "discard": discard_command,
    }
    return group_of(
        commands,
        "Look at dead letters, send them through again, or give them up.",
        "A dead letter is named TOPIC-PARTITION@OFFSET, the place where the record was read.",
    )


def list_command(
    ids: select.Ids = None,
    topic: select.Topic = None,
    error_type: select.ErrorType = None,
    fingerprint: select.Fingerprint = None,
    state: Annotated[
        Literal["dead", "redriven", "discarded", "any"], typer.Option(help="In this state.")
    ] = "dead",
    since: select.Since = None,
    until: select.Until = None,
    text: select.Text = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most that are shown.")] = 50,
    after: Annotated[
        str | None, typer.Option(metavar="ID", help="Begin behind this one: the next page.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List dead letters in order of place, and count them by error and fingerprint."""
    deployment = Deployment.of_environment()
    wanted = select.selection(
        deployment,
        ids,
        topic,
        error_type,
        fingerprint,
        since,
        until,
        text,
        None if state == "any" else state,
    )
    behind = select.named(deployment, after) if after else None

    async def read() -> tuple[list[LetterCount], list[LetterSummary]]:
        async with deployment.dead_letters() as letters:
            return await letters.count(wanted), await letters.find(wanted, limit + 1, behind)

    counts, found = asyncio.run(read())
    page, following = found[:limit], found[limit - 1].id if len(found) > limit else None
    if as_json:
        typer.echo(listing_document(counts, page, following))
    else:
        print_listing(counts, page, following)


def show_command(
    id_: Annotated[str, typer.Argument(metavar="TOPIC-PARTITION@OFFSET")], as_json: Json = False
) -> None:
    """Show one dead letter: error, headers, value, how it was isolated, what was done to it."""
    deployment = Deployment.of_environment()
    place: LetterId = select.named(deployment, id_)

    async def read() -> Letter:
        async with deployment.dead_letters() as letters:
            return await letters.show(place)

    letter = asyncio.run(read())
    if as_json:
        typer.echo(letter_document(letter))
    else:
        print_letter(letter)


def redrive_command(
    ids: select.Ids = None,
    topic: select.Topic = None,
    error_type: select.ErrorType = None,
    fingerprint: select.Fingerprint = None,
    since: select.Since = None,
    until: select.Until = None,
    text: select.Text = None,
    everything: select.All = False,
    reason: Reason = "",
    by: By = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Send dead letters through their topics once more, each exactly once.

    Exit code 1: something asked for was left as it is.
    """
    deployment = Deployment.of_environment()
    wanted = select.selection(deployment, ids, topic, error_type, fingerprint, since, until, text)
    select.require_choice(wanted, everything)

    async def redrive() -> Outcome:
        async with deployment.dead_letters() as letters:
            return await letters.redrive(wanted, by or operator(), reason, dry_run=dry_run)

    _tell(asyncio.run(redrive()), "redriven", dry_run, as_json)


def discard_command(
    reason: Annotated[str, typer.Option(help="Why nobody will miss them; kept in the audit.")],
    ids: select.Ids = None,
    topic: select.Topic = None,
    error_type: select.ErrorType = None,
    fingerprint: select.Fingerprint = None,
    since: select.Since = None,
    until: select.Until = None,
    text: select.Text = None,
    everything: select.All = False,
    by: By = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give dead letters up; their rows stay.

    Exit code 1: something asked for was left as it is.
    """
    deployment = Deployment.of_environment()
    wanted = select.selection(deployment, ids, topic, error_type, fingerprint, since, until, text)
    select.require_choice(wanted, everything)

    async def discard() -> Outcome:
        async with deployment.dead_letters() as letters:
            return await letters.discard(wanted, by or operator(), reason, dry_run=dry_run)

    _tell(asyncio.run(discard()), "discarded", dry_run, as_json)


def _tell(outcome: Outcome, verb: str, dry_run: bool, as_json: bool) -> None:
    if as_json:
        typer.echo(outcome_document(outcome, verb, dry_run))
    else:
        print_outcome(outcome, verb, dry_run)
    if outcome.untouched:
        raise typer.Exit(INCOMPLETE)
