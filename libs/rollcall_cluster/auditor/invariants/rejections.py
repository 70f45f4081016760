"""Invariant 1, second half: every undecodable or contradicting record is a dead letter, announced once."""

from rollcall_cluster.auditor.check import Check, Relation
from rollcall_cluster.auditor.evidence import EvidenceRoom


def relations(room: EvidenceRoom) -> tuple[Relation, ...]:
    """Subjects: records without meaning, registrations, dead letters."""
    return (
        Relation("verdict", "log, place", room.records, _VERDICTS),
        Relation("registering", "batch, log, place", room.registrations, _REGISTRATIONS),
        Relation("mourned", "log, place", room.records, _DEAD_LETTERS),
    )


_VERDICTS = (
    Check(
        code="undecodable-not-dead",
        invariant=1,
        title="Every undecodable record is a dead letter",
        applies="verdict = 'undecodable'",
        violated="NOT dead",
        found="'no dead letter although undecodable: ' || reason",
    ),
    Check(
        code="unknown-type-dead",
        invariant=1,
        title="No record is a dead letter only for its unknown event type",
        applies="verdict = 'unknown type'",
        violated="dead",
        found="'dead letter for an unknown event type'",
    ),
)

_REGISTRATIONS = (
    Check(
        code="contradiction-not-dead",
        invariant=1,
        title="Every registration that contradicts its batch is a dead letter",
        applies="registered AND NOT matches",
        violated="NOT dead",
        found="'differs from the batch, but is no dead letter'",
    ),
    Check(
        code="registration-without-batch",
        invariant=1,
        title="Every accepted registration has its batch",
        applies="NOT dead",
        violated="NOT registered",
        found="'no such batch'",
    ),
)

_DEAD_LETTERS = (
    Check(
        code="dead-letter-not-announced",
        invariant=1,
        title="Every dead letter is announced",
        applies="letters > 0",
        violated="events = 0",
        found="'no DeadLetterV1'",
        excused="at < :dead_letters_until",
        excusable="dead_letters_gone",
    ),
    Check(
        code="dead-letter-announced-twice",
        invariant=1,
        title="No dead letter is announced twice",
        applies="events > 0",
        violated="events > records",
        found="events || ' DeadLetterV1'",
    ),
    Check(
        code="dead-letter-without-row",
        invariant=1,
        title="Every dead letter announced has its row",
        applies="events_early > 0",
        violated="letters = 0",
        found="'DeadLetterV1 without a row'",
    ),
    Check(
        code="dead-letter-not-handled",
        invariant=1,
        title="No record is a dead letter before its offset is handled",
        applies="letters > 0",
        violated="place >= next_offset",
        found="'dead letter at or beyond position ' || next_offset",
    ),
)
