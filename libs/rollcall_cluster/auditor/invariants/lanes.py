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
        applies="published_seq IS NOT NULL AND kafka_seq IS NOT NULL",
        violated="kafka_seq < published_seq",
        found="'published up to ' || published_seq || ', Kafka holds up to ' || kafka_seq",
    ),
    Check(
        code="lane-numbers-lost",
        invariant=6,
        title="At rest, every segment number given was published",
        applies="last_seq IS NOT NULL AND kafka_seq IS NOT NULL AND segments = 0",
        violated="kafka_seq < last_seq",
        found="'numbers up to ' || last_seq || ' given, Kafka holds up to ' || kafka_seq",
        rest_only=True,
    ),
)
