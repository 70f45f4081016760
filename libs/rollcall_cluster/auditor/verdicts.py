"""Runs every check over the joined facts."""

from collections.abc import Iterable
from dataclasses import replace

from rollcall_cluster.auditor.check import Facts, Relation, run_checks
from rollcall_cluster.auditor.evidence import EvidenceRoom
from rollcall_cluster.auditor.invariants import (
    announcements,
    completion,
    lanes,
    orders,
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
    yield from placement.relations(room)
    yield from rejections.relations(room)
    yield from slots.relations(room)
    yield from announcements.relations(room)
    yield completion.relation(room)
    yield from positions.relations(room)
    yield lanes.relation(room)
    yield from orders.relations(room)


def judge(
    scratch: Scratch, logbook: Logbook, facts: Facts, *, rest_expected: bool, max_examples: int
) -> list[CheckResult]:
    """The result of every check, in order. Checks on the same rows are made together."""
    every = list(relations(EvidenceRoom(logbook)))
    results = {
        result.code: result
        for relation in _merged(every)
        for result in run_checks(scratch, relation, facts, rest_expected, max_examples)
    }
    return [results[check.code] for relation in every for check in relation.checks]


def _merged(every: Iterable[Relation]) -> list[Relation]:
    merged: dict[str, Relation] = {}
    for relation in every:
        if known := merged.get(relation.source):
            relation = replace(known, checks=(*known.checks, *relation.checks))
        merged[relation.source] = relation
    return list(merged.values())
