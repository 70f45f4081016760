"""Runs every check over the joined facts."""

from collections.abc import Iterable

from rollcall_cluster.auditor.check import Facts, Relation, run_checks
from rollcall_cluster.auditor.evidence import EvidenceRoom
from rollcall_cluster.auditor.invariants import (
    announcements,
    completion,
    lanes,
    placement,
    positions,
    rejections,
    slots,
)
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.report import CheckResult
from rollcall_cluster.auditor.scratch import Scratch


def relations(room: EvidenceRoom) -> Iterable[Relation]:
    """Every relation, in the order of the invariants."""
    yield placement.relation(room)
    yield from rejections.relations(room)
    yield from slots.relations(room)
    yield from announcements.relations(room)
    yield completion.relation(room)
    yield from positions.relations(room)
    yield lanes.relation(room)


def judge(
    scratch: Scratch, logbook: Logbook, facts: Facts, *, rest_expected: bool, max_examples: int
) -> list[CheckResult]:
    """The result of every check, in order."""
    return [
        result
        for relation in relations(EvidenceRoom(logbook))
        for result in run_checks(scratch, relation, facts, rest_expected, max_examples)
    ]
