"""Invariant 3: one event for each filled slot and each excess, none without its row; sound records."""

from rollcall_cluster.auditor.check import Check, Relation
from rollcall_cluster.auditor.evidence import EvidenceRoom


def relations(room: EvidenceRoom) -> tuple[Relation, ...]:
    """Subjects: contents, output records, places in lanes."""
    return (
        Relation("tally", "batch, kind, identity", room.contents, (*_ASSIGNED, *_EXCESS)),
        Relation("flaw", "log, place", room.records, _RECORDS),
        Relation(
            "repeated_place",
            "lane, rank, lane || ':' || (rank >> 24) || ':' || (rank & 16777215)",
            room.publications,
            _PLACES,
        ),
    )


_ASSIGNED = (
    Check(
        code="slot-not-announced",
        invariant=3,
        title="Every filled slot is announced",
        applies="kind = 0 AND slots > 0",
        violated="assigned = 0",
        found="'no EssaySlotAssignedV1'",
        excused="at < :assigned_until",
        excusable="assigned_gone",
    ),
    Check(
        code="slot-announced-twice",
        invariant=3,
        title="No filled slot is announced twice",
        applies="assigned > 0",
        violated="assigned > 1",
        found="assigned || ' EssaySlotAssignedV1'",
    ),
    Check(
        code="slot-announced-without-row",
        invariant=3,
        title="Every slot announced is filled",
        applies="assigned_early > 0",
        violated="slots = 0",
        found="'EssaySlotAssignedV1, but no slot'",
    ),
    Check(
        code="slot-announced-differently",
        invariant=3,
        title="A slot's announcement says what the slot says",
        applies="slots = 1 AND excess = 0 AND assigned > 0 AND announced_excess = 0",
        violated="announced_differently",
        found="'essay, position or file differ between slot and EssaySlotAssignedV1'",
    ),
)

_EXCESS = (
    Check(
        code="excess-not-announced",
        invariant=3,
        title="Every excess content is announced",
        applies="kind = 0 AND excess > 0",
        violated="announced_excess = 0",
        found="'no ExcessContentProvisionedV1'",
        excused="at < :excess_until",
        excusable="excess_gone",
    ),
    Check(
        code="excess-announced-twice",
        invariant=3,
        title="No excess content is announced twice",
        applies="announced_excess > 0",
        violated="announced_excess > 1",
        found="announced_excess || ' ExcessContentProvisionedV1'",
    ),
    Check(
        code="excess-announced-without-row",
        invariant=3,
        title="Every excess announced is recorded",
        applies="announced_excess_early > 0",
        violated="excess = 0",
        found="'ExcessContentProvisionedV1, but no excess'",
    ),
    Check(
        code="excess-announced-differently",
        invariant=3,
        title="An excess announcement says what its row says",
        applies="slots = 0 AND excess = 1 AND assigned = 0 AND announced_excess > 0",
        violated="announced_differently",
        found="'file data differ between row and ExcessContentProvisionedV1'",
    ),
)


def _flaw(code: str, title: str) -> Check:
    return Check(
        code=code,
        invariant=3,
        title=title,
        applies="1",
        violated=f"code = '{code}'",
        found="found",
        checked=":outputs",
    )


_RECORDS = (
    _flaw("output-malformed", "Every output record fits its contract"),
    _flaw("event-key-differs", "Every output record about a batch has the batch as its key"),
    _flaw("event-id-differs", "Every event id is the one that its content determines"),
    _flaw("publication-unplaced", "Every output record says where it stands in its lane"),
    _flaw("published-out-of-order", "Within a partition, a lane's records stand in order"),
)

_PLACES = (
    Check(
        code="lane-place-twice",
        invariant=3,
        title="No place in a lane is published twice",
        applies="1",
        violated="records > 1",
        found="records || ' records'",
        checked="(SELECT count(*) FROM publication)",
    ),
)
