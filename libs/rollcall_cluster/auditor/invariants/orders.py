"""Invariant 3 for what operators order: marked events are ordered, once, and all of them are published."""

from rollcall_cluster.auditor.check import Check, Relation
from rollcall_cluster.auditor.evidence import EvidenceRoom


def relations(room: EvidenceRoom) -> tuple[Relation, ...]:
    """Subjects: marked records, orders to publish, reassigned slots."""
    return (
        Relation("marked_record", "log, place", room.records, _RECORDS),
        Relation("repeated_mark", "log, place", room.records, _REPEATED),
        Relation("carried_out", "entry, batch", room.orders, _ORDERS),
        Relation("reassignment", "entry, batch", room.orders, _REASSIGNMENTS),
    )


_RECORDS = (
    Check(
        code="marked-without-order",
        invariant=3,
        title="Every event marked as a replay or correction was ordered by an operator",
        applies="early",
        violated="NOT ordered",
        found="'marked with entry ' || entry || ' of the audit, which orders no such thing'",
    ),
)

_REPEATED = (
    Check(
        code="marked-event-twice",
        invariant=3,
        title="An order publishes each of its events once",
        applies="1",
        violated="records > 1",
        found="records || ' records of one event for entry ' || entry || ' of the audit'",
        checked="(SELECT count(*) FROM marked)",
    ),
)

_ORDERS = (
    Check(
        code="order-not-published",
        invariant=3,
        title="Every replay and correction that was ordered is published whole",
        applies="1",
        violated="published < events",
        found="published || ' of ' || events || ' events'",
        excused="at < :marked_until",
        excusable="marked_gone",
    ),
)

_REASSIGNMENTS = (
    Check(
        code="reassignment-differs",
        invariant=2,
        title="A slot that an operator reassigned holds what the audit says",
        applies="1",
        violated="NOT in_place",
        found="'the slot, or what it held before, is elsewhere than the audit says'",
    ),
)
