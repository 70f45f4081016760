"""Invariant 2: one content for each slot, one slot for each content, and counters that count."""

from rollcall_cluster.auditor.check import Check, Relation
from rollcall_cluster.auditor.evidence import EvidenceRoom


def relations(room: EvidenceRoom) -> tuple[Relation, ...]:
    """Subjects: contents and failures, batches."""
    return (
        Relation("tally", "batch, kind, identity", room.contents, _HOLDERS),
        Relation("whole", "batch", room.batches, _BATCHES),
    )


_HOLDERS = (
    Check(
        code="content-holds-two-slots",
        invariant=2,
        title="No content holds two slots",
        applies="kind = 0 AND slots > 0",
        violated="slots > 1",
        found="slots || ' slots'",
    ),
    Check(
        code="failure-holds-two-slots",
        invariant=2,
        title="No validation failure holds two slots",
        applies="kind = 1 AND slots > 0",
        violated="slots > 1",
        found="slots || ' slots'",
    ),
)

_BATCHES = (
    Check(
        code="slot-twice",
        invariant=2,
        title="No slot is there twice",
        applies="slots > 0",
        violated="repeated > 0",
        found="repeated || ' slots repeat a position or an essay id'",
    ),
    Check(
        code="slot-contradicts-itself",
        invariant=2,
        title="A slot's state says what it holds",
        applies="slots > 0",
        violated="contradictory > 0",
        found="contradictory || ' slots hold something else than their state says'",
    ),
    Check(
        code="slots-differ-from-expected",
        invariant=2,
        title="A batch has as many slots as it expects",
        applies="registered AND NOT purged OR slots > 0",
        violated="slots <> expected",
        found="slots || ' slots, ' || expected || ' expected'",
    ),
    Check(
        code="counters-differ",
        invariant=2,
        title="Counters equal counts; filled + failed + missing + open = expected",
        applies="registered AND NOT purged",
        violated=(
            "open_count <> open OR filled_count <> filled OR failed_count <> failed"
            " OR missing_count <> missing"
            " OR filled_count + failed_count + missing_count + open_count <> expected"
        ),
        found=(
            "'open/filled/failed/missing ' || open_count || '/' || filled_count || '/'"
            " || failed_count || '/' || missing_count || ' of ' || expected || ' in the batch, '"
            " || open || '/' || filled || '/' || failed || '/' || missing || ' in its slots'"
        ),
    ),
    Check(
        code="batch-without-registration",
        invariant=2,
        title="Every batch and its slots are those of a registration",
        applies="registered AND NOT purged",
        violated="matching_registrations = 0",
        found="'no registration record says what the batch and its slots say'",
        excused=":registration_input_gone",
        excusable="registration_input_gone",
    ),
    Check(
        code="purged-batch-differs",
        invariant=2,
        title="A purged batch had ended, and neither slots nor completion of it are left",
        applies="purged",
        violated="NOT (completed OR closed) OR slots > 0 OR completions > 0",
        found=(
            "iif(completed OR closed, '', 'not ended, ')"
            " || slots || ' slots, ' || completions || ' completion rows left'"
        ),
    ),
)
