"""Invariant 6: no segment is left at rest, and lanes agree between Kafka and the database."""

from rollcall_cluster.auditor.check import Check, Relation
from rollcall_cluster.auditor.evidence import EvidenceRoom


def relation(room: EvidenceRoom) -> Relation:
    """Subjects: lanes."""
    return Relation(
        source="lane",
        key="lane",
        evidence=room.lanes,
        checks=_LANES,
    )


# A lane notes its position, 0, before it gives its first number.
_KAFKA_SIDE = (
    "iif(kafka_seq IS NULL, ', Kafka does not know the lane', ', Kafka holds up to ' || kafka_seq)"
)

_LANES = (
    Check(
        code="segments-left",
        invariant=6,
        title="No segment is left at rest",
        applies="1",
        violated="segments > 0",
        found="segments || ' segments with ' || events || ' events'",
        rest_only=True,
    ),
    Check(
        code="lane-ahead-of-database",
        invariant=6,
        title="No lane is published beyond the numbers that the database has given",
        applies="early_seq IS NOT NULL",
        violated="last_seq IS NULL OR early_seq > last_seq",
        found="'Kafka holds segment ' || early_seq || ', the database gave up to ' || last_seq",
    ),
    Check(
        code="lane-behind-database",
        invariant=6,
        title="Every segment known as published is in Kafka",
        applies="published_seq > 0",
        violated="kafka_seq IS NULL OR kafka_seq < published_seq",
        found=f"'published up to ' || published_seq || {_KAFKA_SIDE}",
    ),
    Check(
        code="lane-numbers-lost",
        invariant=6,
        title="At rest, every segment number given was published",
        applies="last_seq > 0 AND segments = 0",
        violated="kafka_seq IS NULL OR kafka_seq < last_seq",
        found=f"'numbers up to ' || last_seq || ' given' || {_KAFKA_SIDE}",
        rest_only=True,
    ),
)
