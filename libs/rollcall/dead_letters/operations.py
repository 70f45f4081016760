"""List, show, redrive and discard dead letters: each change in one transaction with its audit row."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from rollcall import failpoints
from rollcall.dead_letters.letter import (
    Letter,
    LetterCount,
    LetterFilter,
    LetterId,
    LetterSummary,
)
from rollcall.dead_letters.redrive import Plan, Untouched, batches, by_lane, plan_redrive
from rollcall.dead_letters.store import DeadLetterRegister, Decision
from rollcall.errors import DeadLetterError
from rollcall.failpoints import Failpoint
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import OutboxStore
from rollcall.topology import Topology

_PAGE = 1000
_OVERTAKEN = "was settled by someone else meanwhile"
_NOW = "SELECT clock_timestamp()"
_LANES = "SELECT count(*) FROM lane"


class Portion(NamedTuple):
    """How many dead letters one command looks at, and behind which it begins."""

    letters: int
    after: LetterId | None = None


EVERYTHING = Portion(2**31 - 1)


@dataclass(slots=True)
class Outcome:
    """What a command did, or with a dry run would do: how many of each error, and what it left.

    It is about what was last met before `until`. `after` names the last dead letter that was looked at
    if there may be more behind it.
    """

    until: datetime
    after: LetterId | None = None
    touched: int = 0
    by_error: dict[str, int] = field(default_factory=dict)
    untouched: list[Untouched] = field(default_factory=list)

    def add(self, letters: Sequence[LetterSummary]) -> None:
        """Count settled letters."""
        self.touched += len(letters)
        for letter in letters:
            self.by_error[letter.error_type] = self.by_error.get(letter.error_type, 0) + 1


class DeadLetters:
    """The dead letters of one consumer group of one deployment, through one connection.

    Its commands may run beside the service and beside each other: a dead letter is settled by one of
    them, once.
    """

    def __init__(
        self, connection: Any, topology: Topology, consumer_group: str, topic_prefix: str = ""
    ) -> None:
        self._connection = connection
        self._topology = topology
        self._group = consumer_group
        self._prefix = topic_prefix
        self._register = DeadLetterRegister(consumer_group)
        self._outbox = OutboxStore()
        self._codec = SegmentCodec()

    async def count(self, wanted: LetterFilter) -> list[LetterCount]:
        """How many match, of each error and state; the most frequent first."""
        return await self._register.count(self._connection, wanted)

    async def find(
        self, wanted: LetterFilter, limit: int, after: LetterId | None = None
    ) -> list[LetterSummary]:
        """One page of those that match, in order of topic, partition and offset."""
        return await self._register.find(self._connection, wanted, limit, after)

    async def show(self, id_: LetterId) -> Letter:
        """One dead letter whole.

        Raises:
            DeadLetterError: there is none of that place.
        """
        summaries = await self.find(LetterFilter(ids=(id_,)), 1)
        if not summaries:
            raise DeadLetterError(_absent(id_, self._group))
        (record,) = await self._register.contents(self._connection, [id_])
        return Letter(
            summaries[0],
            record.key,
            record.value,
            record.headers,
            record.timestamp,
            record.bisection_trace,
            record.instance_id,
            await self._register.history(self._connection, id_),
        )

    async def redrive(
        self,
        wanted: LetterFilter,
        operator: str,
        reason: str = "",
        *,
        dry_run: bool = False,
        portion: Portion = EVERYTHING,
    ) -> Outcome:
        """Send those that match and are dead through their topics once more, each exactly once.

        A record that fails again is a new dead letter, of its new offset.
        """
        return await self._settle(wanted, Decision("redrive", operator, reason), dry_run, portion)

    async def discard(
        self,
        wanted: LetterFilter,
        operator: str,
        reason: str,
        *,
        dry_run: bool = False,
        portion: Portion = EVERYTHING,
    ) -> Outcome:
        """Give those up that match and are dead; the rows stay.

        Raises:
            DeadLetterError: there is no reason.
        """
        if not reason.strip():
            raise DeadLetterError("discarding needs a reason: say why nobody will miss the records")
        return await self._settle(wanted, Decision("discard", operator, reason), dry_run, portion)

    async def _settle(
        self, wanted: LetterFilter, decision: Decision, dry_run: bool, portion: Portion
    ) -> Outcome:
        """Page by page, up to this moment: what a redrive brings back is not redriven again."""
        now = await self._connection.fetchval(_NOW)
        outcome = Outcome(min(wanted.until or now, now), untouched=await self._not_dead(wanted))
        dead = replace(wanted, state="dead", until=outcome.until)
        left, last = portion
        while page := await self.find(dead, min(left, _PAGE), last):
            last, left = page[-1].id, left - len(page)
            for batch in batches(page):
                await self._settle_batch(batch, decision, outcome, dry_run)
            if not left:
                outcome.after = last
                break
        return outcome

    async def _not_dead(self, wanted: LetterFilter) -> list[Untouched]:
        """Of letters asked for by their ids, those that are in no state to be settled."""
        if wanted.ids is None:
            return []
        states = {
            letter.id: letter.state
            for letter in await self.find(LetterFilter(ids=wanted.ids), len(wanted.ids))
        }
        return [
            Untouched(
                id_, f"is {states[id_]} already" if id_ in states else _absent(id_, self._group)
            )
            for id_ in wanted.ids
            if states.get(id_) != "dead"
        ]

    async def _settle_batch(
        self, batch: list[LetterSummary], decision: Decision, outcome: Outcome, dry_run: bool
    ) -> None:
        ids = [letter.id for letter in batch]
        plan = Plan(dict.fromkeys(ids), [])
        if decision.action == "redrive":
            # What was read of a record never changes, so it can be looked at before the row is locked.
            letters = await self._register.contents(self._connection, ids)
            plan = plan_redrive(letters, self._topology.inputs, self._prefix)
        wanted = list(plan.records)
        settled = set(wanted if dry_run else await self._commit(wanted, plan, decision))
        outcome.add([letter for letter in batch if letter.id in settled])
        outcome.untouched += plan.refused
        outcome.untouched += [Untouched(id_, _OVERTAKEN) for id_ in wanted if id_ not in settled]

    async def _commit(self, ids: list[LetterId], plan: Plan, decision: Decision) -> list[LetterId]:
        """One transaction: rows settled, audit written, and what is redriven in the outbox."""
        async with self._connection.transaction():
            won = await self._register.settle(self._connection, ids, decision)
            failpoints.reached(Failpoint.REDRIVE_SETTLED)
            records = {id_: record for id_ in won if (record := plan.records[id_]) is not None}
            if records:
                shares = by_lane(records, await self._lanes())
                await self._outbox.append(
                    self._connection,
                    [(lane, len(rs), self._codec.encode_raw(rs)) for lane, rs in shares.items()],
                )
                failpoints.reached(Failpoint.REDRIVE_WRITTEN)
        failpoints.reached(Failpoint.REDRIVE_COMMITTED)
        return won

    async def _lanes(self) -> int:
        lanes: int = await self._connection.fetchval(_LANES)
        if not lanes:
            raise DeadLetterError("the deployment has no lanes yet: start a replica once")
        return lanes


def _absent(id_: LetterId, group: str) -> str:
    return f"{id_} is no dead letter of the group {group}: see `rollcall dlq list`"
