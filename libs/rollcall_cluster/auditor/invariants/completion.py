"""Invariant 4: a batch is completed exactly when nothing is open, and says so once, last, and rightly."""

from rollcall_cluster.auditor.check import Check, Relation
from rollcall_cluster.auditor.evidence import EvidenceRoom


def relation(room: EvidenceRoom) -> Relation:
    """Subjects: batches."""
    return Relation("whole", "batch", room.batches, (*_STATE, *_EVENTS, *_ORDER))


_STATE = (
    Check(
        code="state-contradicts-slots",
        invariant=4,
        title="A batch is completed exactly when no slot is open",
        applies="registered",
        violated="completed <> (open = 0)",
        found="iif(completed, 'completed with ', 'not completed with ') || open || ' open slots'",
    ),
    Check(
        code="completion-row-differs",
        invariant=4,
        title="Every completed batch, and no other, has one completion",
        applies="registered OR completions > 0",
        violated="completions <> completed OR dated <> completed",
        found=(
            "completions || ' completion rows, '"
            " || iif(dated, 'dated', 'not dated') || ', '"
            " || iif(completed, 'completed', 'not completed')"
        ),
    ),
)

_EVENTS = (
    Check(
        code="completion-not-announced",
        invariant=4,
        title="Every completion is announced",
        applies="completed",
        violated=(
            "announced_completed = 0 OR announced_ready = 0 OR (failed > 0 AND announced_errors = 0)"
        ),
        found=(
            "'missing:' || iif(announced_completed, '', ' BatchContentProvisioningCompletedV1')"
            " || iif(announced_ready, '', ' BatchEssaysReadyV1')"
            " || iif(failed > 0 AND NOT announced_errors, ' BatchValidationErrorsV1', '')"
        ),
        excused=":completion_hidden",
    ),
    Check(
        code="completion-announced-twice",
        invariant=4,
        title="No event about a whole batch is sent twice",
        applies="announced_completed + announced_ready + announced_errors + announced_timeout > 0",
        violated="max(announced_completed, announced_ready, announced_errors, announced_timeout) > 1",
        found=(
            "'completed ' || announced_completed || ', ready ' || announced_ready"
            " || ', errors ' || announced_errors || ', timeout ' || announced_timeout || ' times'"
        ),
    ),
    Check(
        code="completion-announced-without-row",
        invariant=4,
        title="Nothing is announced as completed that is not",
        applies="completion_early + errors_early > 0",
        violated="NOT completed OR (errors_early > 0 AND failed = 0)",
        found=(
            "iif(NOT registered, 'no such batch', iif(completed, 'no failure in it',"
            " 'not completed'))"
        ),
    ),
    Check(
        code="completion-lists-differ",
        invariant=4,
        title="Completion events carry the lists, counts and context of the batch",
        applies="completed AND announced_completed + announced_ready + announced_errors > 0",
        violated="different IS NOT NULL",
        found="'differs from the batch: ' || different",
    ),
)

_ORDER = (
    Check(
        code="batch-in-several-lanes",
        invariant=4,
        title="All events of a batch are in one lane",
        applies="first_lane IS NOT NULL",
        violated="first_lane <> last_lane",
        found="'lanes ' || first_lane || ' and ' || last_lane",
    ),
    Check(
        code="completion-before-slots",
        invariant=4,
        title="A completion stands behind all slot events of its batch",
        applies="completion_rank IS NOT NULL AND slot_rank IS NOT NULL AND first_lane = last_lane",
        violated="completion_rank < slot_rank",
        found=(
            "'completion at segment ' || (completion_rank >> 24)"
            " || ', a slot event at segment ' || (slot_rank >> 24)"
        ),
    ),
)
