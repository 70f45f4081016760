"""Invariant 1: every content and failure is in exactly one place."""

from rollcall_cluster.auditor.check import Check, Relation
from rollcall_cluster.auditor.evidence import EvidenceRoom

_PLACES = "(slots > 0) + (excess > 0) + (pending > 0)"
_TOLD_PLACES = "slots || ' slots, ' || excess || ' excess, ' || pending || ' pending'"


def relations(room: EvidenceRoom) -> tuple[Relation, ...]:
    """Subjects: contents and failures; those in excess with what is known of their batch."""
    places = (
        *_of_kind(0, "content", "content_input_gone"),
        *_of_kind(1, "failure", "failure_input_gone"),
    )
    excess = (
        "(SELECT t.*, b.open AS batch_open, coalesce(b.missing, 0) AS batch_missing,"
        " coalesce(b.purged, 0) AS batch_purged"
        " FROM tally t LEFT JOIN batch b USING (batch) WHERE t.excess > 0)"
    )
    return (
        Relation("tally", "batch, kind, identity", room.contents, places),
        Relation(excess, "batch, kind, identity", room.contents, _EXCESS),
    )


def _of_kind(kind: int, name: str, input_gone: str) -> tuple[Check, ...]:
    return (
        Check(
            code=f"{name}-nowhere",
            invariant=1,
            title=f"Every {name} handled is a slot, excess or pending",
            applies=f"kind = {kind} AND inputs > 0",
            violated=f"{_PLACES} = 0",
            found="'neither slot nor excess nor pending'",
        ),
        Check(
            code=f"{name}-in-several-places",
            invariant=1,
            title=f"No {name} is in more than one of slot, excess and pending",
            applies=f"kind = {kind} AND {_PLACES} > 0",
            violated=f"{_PLACES} > 1 OR excess > 1 OR pending > 1",
            found=_TOLD_PLACES,
        ),
        Check(
            code=f"{name}-without-input",
            invariant=1,
            title=f"Every {name} recorded was an input record that is no dead letter",
            applies=f"kind = {kind} AND {_PLACES} > 0",
            violated="inputs + revived_inputs = 0",
            found=(
                "iif(dead_inputs, 'every input record is a dead letter; ', 'no input record; ')"
                f" || {_TOLD_PLACES}"
            ),
            excused=f":{input_gone}",
            excusable=input_gone,
        ),
        Check(
            code=f"{name}-differs-from-input",
            invariant=1,
            title=f"Every {name} is recorded with the data of its input records",
            applies=f"kind = {kind} AND {_PLACES} > 0 AND inputs + dead_inputs > 0",
            violated="taken_differently",
            found="'file, storage, size or detail differ from the input'",
        ),
    )


_EXCESS = (
    Check(
        code="excess-while-open",
        invariant=1,
        title="Nothing is excess while its batch has open slots",
        applies="excess > 0",
        violated="batch_open IS NOT 0",
        found="iif(batch_open IS NULL, 'batch not registered', batch_open || ' slots open')",
    ),
    Check(
        code="excess-reason-differs",
        invariant=1,
        title="Excess is BATCH_CLOSED exactly where slots were given up",
        applies=(
            "announced_excess > 0 AND NOT batch_purged"
            # An operator who fills missing slots changes the reason of what comes later.
            " AND batch NOT IN (SELECT batch FROM reassignment WHERE was_missing)"
        ),
        violated="(announced_closed > 0) <> (batch_missing > 0)",
        found=(
            "iif(announced_closed, 'BATCH_CLOSED', 'NO_AVAILABLE_SLOT')"
            " || ', ' || batch_missing || ' slots missing'"
        ),
    ),
)
