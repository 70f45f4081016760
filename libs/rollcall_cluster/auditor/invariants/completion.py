"""Invariant 4: a batch is completed exactly when nothing is open, and says so once, last, and rightly."""

from rollcall_cluster.auditor.check import Check, Relation
from rollcall_cluster.auditor.evidence import EvidenceRoom


def relation(room: EvidenceRoom) -> Relation:
    """Subjects: batches."""
    return Relation("whole", "batch", room.batches, (*_STATE, *_EVENTS, *_ORDER, *_TIMEOUT))


# A batch that an operator closed is announced like one that its deadline closed.
_HAS_TIMEOUT = "timed_out OR (forced AND closed)"

_STATE = (
    Check(
        code="state-contradicts-slots",
        invariant=4,
        title="A batch is completed or closed exactly when no slot is open",
        applies="registered AND NOT purged",
        violated="(completed OR closed) <> (open = 0)",
        found=(
            "iif(completed, 'completed with ', iif(closed, 'closed with ', 'not completed with '))"
            " || open || ' open slots'"
        ),
    ),
    Check(
        code="completion-row-differs",
        invariant=4,
        title="Every completed batch, and no other, has one completion",
        applies="(registered OR completions > 0) AND NOT purged",
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
            "announced_completed = 0 OR announced_ready = 0"
            " OR (failed_count > 0 AND announced_errors = 0)"
        ),
        found=(
            "'missing:' || iif(announced_completed, '', ' BatchContentProvisioningCompletedV1')"
            " || iif(announced_ready, '', ' BatchEssaysReadyV1')"
            " || iif(failed_count > 0 AND NOT announced_errors, ' BatchValidationErrorsV1', '')"
        ),
        excused="completed_at < :completion_until",
        excusable="completion_gone",
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
        violated="NOT completed OR (errors_early > 0 AND failed_count = 0)",
        found=(
            "iif(NOT registered, 'no such batch', iif(completed, 'no failure in it',"
            " 'not completed'))"
        ),
    ),
    Check(
        code="completion-lists-differ",
        invariant=4,
        title="Completion events carry the lists, counts and context of the batch",
        applies=(
            "completed AND NOT purged"
            " AND announced_completed + announced_ready + announced_errors > 0"
        ),
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
    Check(
        code="slot-event-after-end",
        invariant=4,
        title="Where the deadline ended a batch, no slot event stands behind its timeout",
        applies=(
            "missing_count > 0 AND NOT (forced AND timed_out)"
            " AND timeout_rank IS NOT NULL AND slot_rank IS NOT NULL"
        ),
        violated="timeout_rank < slot_rank",
        found=(
            "'timeout at segment ' || (timeout_rank >> 24)"
            " || ', a slot event at segment ' || (slot_rank >> 24)"
        ),
    ),
)

_TIMEOUT = (
    Check(
        code="timeout-contradicts-state",
        invariant=4,
        title="Slots are missing exactly where a deadline, by its policy, or an operator ended the batch",
        applies="registered",
        violated=(
            "timed_out AND deadline = 0"
            " OR (missing_count > 0) <> (forced OR (timed_out AND policy <> 'keep_open'))"
            " OR closed <> iif(forced, closed, missing_count > 0 AND policy = 'close')"
            " OR (forced AND NOT (completed OR closed))"
            " OR closed <> closed_dated"
        ),
        found=(
            "missing_count || ' missing, ' || iif(timed_out, '', 'not ') || 'timed out, '"
            " || coalesce(policy, 'no deadline') || iif(forced, ', ended by hand', '')"
            " || iif(closed, ', closed', ', not closed')"
            " || iif(closed_dated, ', dated', ', not dated')"
        ),
    ),
    Check(
        code="timeout-not-announced",
        invariant=4,
        title="Every timeout is announced",
        applies=_HAS_TIMEOUT,
        violated="announced_timeout = 0",
        found="'no BatchReadinessTimeoutV1'",
        excused="ended_at < :timeout_until",
        excusable="timeout_gone",
    ),
    Check(
        code="timeout-announced-without-row",
        invariant=4,
        title="No timeout is announced of a batch that has none",
        applies="timeout_early > 0",
        violated=f"NOT ({_HAS_TIMEOUT})",
        found="iif(registered, 'not timed out', 'no such batch')",
    ),
    Check(
        code="timeout-announced-differently",
        invariant=4,
        title="A timeout says what the batch and its slots say",
        applies=f"({_HAS_TIMEOUT}) AND announced_timeout > 0",
        violated="timeout_different",
        found="'counts, missing essays or policy differ from the batch'",
    ),
)
