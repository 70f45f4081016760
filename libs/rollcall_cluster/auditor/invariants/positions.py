"""Invariant 5: positions stay within the log and reach its end; nothing pending is forgotten."""

from rollcall_cluster.auditor.check import Check, Relation
from rollcall_cluster.auditor.evidence import EvidenceRoom


def relations(room: EvidenceRoom) -> tuple[Relation, ...]:
    """Subjects: input partitions, batches."""
    return (
        Relation("position", "topic, partition", room.partitions, _POSITIONS),
        Relation("whole", "batch", room.batches, _PENDING),
    )


_POSITIONS = (
    Check(
        code="position-beyond-end",
        invariant=5,
        title="No position is beyond the end of its log",
        applies="next_offset IS NOT NULL",
        violated="log IS NULL OR next_offset > log_end",
        found=(
            "iif(log IS NULL, 'no such partition', 'position ' || next_offset || ', end ' || log_end)"
        ),
    ),
    Check(
        code="position-below-start",
        invariant=5,
        title="No input was removed before it was handled",
        applies="next_offset IS NOT NULL AND log IS NOT NULL",
        violated="next_offset < log_start",
        found="'position ' || next_offset || ', start ' || log_start",
    ),
    Check(
        code="position-moved-back",
        invariant=5,
        title="No position moves back",
        applies="next_offset IS NOT NULL",
        violated="moved_back",
        found="'lower than it was seen before'",
    ),
    Check(
        code="position-behind",
        invariant=5,
        title="Every position has reached the end of its log",
        applies="log IS NOT NULL",
        violated="behind",
        found=(
            "'position ' || coalesce(next_offset, 'not set') || ', records up to ' || log_end"
            " || ' are not handled'"
        ),
        rest_only=True,
    ),
)

_PENDING = (
    Check(
        code="pending-of-registered-batch",
        invariant=5,
        title="Nothing stays pending once its batch is registered",
        applies="registered",
        violated="pending_seconds >= :sweep_seconds",
        found="'pending for ' || round(pending_seconds) || ' s although registered'",
    ),
)
