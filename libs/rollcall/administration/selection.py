"""Which dead letters a request is about; everything given must hold."""

from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rollcall.administration.fields import Moment, Text
from rollcall.dead_letters.letter import LetterFilter, LetterId, State
from rollcall.errors import DeadLetterError

MAX_LETTERS = 1000
"""Most dead letters of one request: a bound on its transactions and its answer."""


class Selection(BaseModel):
    """Filters of dead letters; a topic may be given with or without the deployment's prefix."""

    model_config = ConfigDict(extra="forbid")

    topic: Text | None = Field(None, description="Read from this topic.")
    error_type: Text | None = Field(None, description="With this type of error.")
    fingerprint: Text | None = Field(None, description="With this fingerprint of the stack.")
    since: Moment | None = Field(None, description="Last met then or later (ISO 8601).")
    until: Moment | None = Field(None, description="Last met before (ISO 8601).")
    text: Text | None = Field(None, description="With this in the error's message.")
    ids: list[Text] | None = Field(
        None, min_length=1, max_length=MAX_LETTERS, description="TOPIC-PARTITION@OFFSET each."
    )
    limit: int = Field(100, ge=1, le=MAX_LETTERS, description="Most dead letters of this request.")
    after: Text | None = Field(
        None, description="Go on behind this one: what the last answer said."
    )

    def wanted(self, topic_prefix: str, state: State | None) -> LetterFilter:
        """The filter.

        Raises:
            DeadLetterError: an id has another form.
        """
        return LetterFilter(
            topic=self.topic and prefixed(self.topic, topic_prefix),
            error_type=self.error_type,
            fingerprint=self.fingerprint,
            state=state,
            since=self.since,
            until=self.until,
            text=self.text,
            ids=tuple(named(id_, topic_prefix) for id_ in self.ids) if self.ids else None,
        )

    def behind(self, topic_prefix: str) -> LetterId | None:
        """Where to go on.

        Raises:
            DeadLetterError: it has another form.
        """
        return named(self.after, topic_prefix) if self.after else None


class ListQuery(Selection):
    """What a listing asks for."""

    state: Literal["dead", "redriven", "discarded", "any"] = Field(
        "dead", description="In this state."
    )


class Order(Selection):
    """What to do, to which dead letters, on whose word."""

    all: bool = Field(False, description="Every dead letter there is; contradicts any filter.")
    by: Text = Field(description="Who decides; kept in the audit beside the token's fingerprint.")
    dry_run: bool = Field(False, description="Change nothing; tell what would be.")

    def chosen(self, topic_prefix: str) -> LetterFilter:
        """The filter of an order, which must choose.

        Raises:
            DeadLetterError: nothing was chosen, or both all and some.
        """
        wanted = self.wanted(topic_prefix, None)
        # A continued request carries the `until` of the answer before: that alone chooses nothing.
        picked = replace(wanted, until=None) if self.after else wanted
        if picked.selects_all and not self.all:
            raise DeadLetterError('choose by ids or by a filter, or say "all": true')
        if self.all and not picked.selects_all:
            raise DeadLetterError('"all" contradicts the ids or filters beside it: leave one out')
        return wanted


class RedriveOrder(Order):
    """Send dead letters through their topics once more."""

    reason: str = Field("", max_length=2000, pattern=r"^[^\x00]*$", description="Why.")


class DiscardOrder(Order):
    """Give dead letters up; their rows stay."""

    reason: str = Field(
        min_length=1,
        max_length=2000,
        pattern=r"^[^\x00]+$",
        description="Why nobody will miss them.",
    )


def prefixed(name: str, topic_prefix: str) -> str:
    """A topic's name on the cluster, given with or without the prefix."""
    return name if name.startswith(topic_prefix) else topic_prefix + name


def named(text: str, topic_prefix: str) -> LetterId:
    """Read an id, its topic with or without the prefix.

    Raises:
        DeadLetterError: it has another form.
    """
    id_ = LetterId.parse(text)
    return id_._replace(topic=prefixed(id_.topic, topic_prefix))
