"""A check: a predicate on what all sides know of one subject, written in the scratch database's SQL.

Each relation has one row for each subject (a content, a batch, a partition ..) with everything that is
known of it. All checks on one relation are counted in a single pass over it; examples are fetched only
for checks that found something.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollcall_cluster.auditor.report import CheckResult, Example, Sighting
from rollcall_cluster.auditor.scratch import Scratch

Key = tuple[Any, ...]
Subject = tuple[str, tuple[Sighting, ...]]
Evidence = Callable[[Scratch, Sequence[Key]], Sequence[Subject]]
"""Tells people about subjects: the name of each, and where it was seen."""
Facts = Mapping[str, float]


@dataclass(slots=True, frozen=True)
class Check:
    """One invariant, as predicates on a row of its relation."""

    code: str
    invariant: int
    title: str
    applies: str
    """Which subjects it is about."""
    violated: str
    """Which of those break it."""
    found: str
    """SQL expression: what is wrong with a subject that breaks it, in words."""
    excused: str = "0"
    """Which of the broken ones cannot be blamed, because what would prove them is out of reach."""
    rest_only: bool = False
    """Whether it is true only of a deployment at rest."""
    checked: str | None = None
    """SQL expression for the number of subjects, where the relation holds only the bad ones."""


@dataclass(slots=True, frozen=True)
class Relation:
    """Subjects of one kind, the checks on them, and how to tell a person about one."""

    source: str
    """FROM clause."""
    key: str
    """Columns that `evidence` needs."""
    evidence: Evidence
    checks: Sequence[Check]


def run_checks(
    scratch: Scratch, relation: Relation, facts: Facts, rest_expected: bool, max_examples: int
) -> list[CheckResult]:
    """Check every subject of a relation. `facts` are the named parameters of the predicates."""
    active = [check for check in relation.checks if rest_expected or not check.rest_only]
    counts = iter(_counts(scratch, relation, active, facts))
    results = []
    for check in relation.checks:
        if check not in active:
            results.append(_result(check, skipped="only at rest"))
            continue
        checked, violations, not_checkable = next(counts), next(counts), next(counts)
        examples = _examples(scratch, relation, check, facts, max_examples) if violations else ()
        results.append(
            _result(
                check,
                checked=checked,
                violations=violations,
                not_checkable=not_checkable,
                examples=examples,
            )
        )
    return results


def _result(check: Check, **values: Any) -> CheckResult:
    return CheckResult(code=check.code, invariant=check.invariant, title=check.title, **values)


def _counts(
    scratch: Scratch, relation: Relation, checks: Sequence[Check], facts: Facts
) -> Sequence[int]:
    """Count, for each check: subjects, violations, and those that cannot be blamed. One pass."""
    columns = ", ".join(
        f"{c.checked or f'coalesce(sum({c.applies}), 0)'},"
        f" coalesce(sum(({c.applies}) AND ({c.violated}) AND NOT ({c.excused})), 0),"
        f" coalesce(sum(({c.applies}) AND ({c.violated}) AND ({c.excused})), 0)"
        for c in checks
    )
    if not checks:
        return ()
    counts: Sequence[int] = scratch.row(f"SELECT {columns} FROM {relation.source}", facts)
    return counts


def _examples(
    scratch: Scratch, relation: Relation, check: Check, facts: Facts, limit: int
) -> tuple[Example, ...]:
    rows = list(
        scratch.rows(
            f"SELECT {check.found}, {relation.key} FROM {relation.source}"
            f" WHERE ({check.applies}) AND ({check.violated}) AND NOT ({check.excused})"
            f" LIMIT {limit}",
            facts,
        )
    )
    subjects = relation.evidence(scratch, [row[1:] for row in rows])
    return tuple(
        Example(subject=subject, found=str(row[0]), evidence=evidence)
        for row, (subject, evidence) in zip(rows, subjects, strict=True)
    )
