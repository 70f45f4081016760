"""A check: a predicate on what all sides know of one subject, written in the scratch database's SQL.

Each relation has one row for each subject (a content, a batch, a partition ..) with everything that is
known of it. All checks on one relation are counted in two passes over it; examples are fetched only for
checks that found something. No SQL here has parts from outside: expressions are those of `invariants`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
    excusable: str | None = None
    """The fact that says how many can be excused at most: so many records are out of reach."""
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
    checked = _count_subjects(scratch, relation, active, facts)
    found = _count_violations(scratch, relation, active, facts)
    results = []
    for check in relation.checks:
        if check not in active:
            results.append(_result(check, skipped="only at rest"))
            continue
        violations, not_checkable = next(found), next(found)
        # Each lacks a record of its own: more than are out of reach cannot be among them.
        surplus = max(0, not_checkable - facts[check.excusable]) if check.excusable else 0
        condition = _broken(check) if surplus else f"{_broken(check)} AND NOT ({check.excused})"
        limit = max_examples if violations + surplus else 0
        examples = _examples(scratch, relation, check, facts, condition, limit)
        results.append(
            _result(
                check,
                checked=checked[_subjects(check)],
                violations=violations + surplus,
                not_checkable=not_checkable - surplus,
                examples=examples,
            )
        )
    return results


def _result(check: Check, **values: Any) -> CheckResult:
    return CheckResult(code=check.code, invariant=check.invariant, title=check.title, **values)


def _subjects(check: Check) -> str:
    """The expression that counts a check's subjects; checks often share it."""
    return check.checked or f"coalesce(sum({check.applies}), 0)"


def _count_subjects(
    scratch: Scratch, relation: Relation, checks: Sequence[Check], facts: Facts
) -> dict[str, int]:
    # The first one makes an aggregate of expressions that are none.
    expressions = ["count(*)", *dict.fromkeys(map(_subjects, checks))]
    counts = scratch.row(f"SELECT {', '.join(expressions)} FROM {relation.source}", facts)  # noqa: S608
    return dict(zip(expressions, counts, strict=True))


def _count_violations(
    scratch: Scratch, relation: Relation, checks: Sequence[Check], facts: Facts
) -> Iterator[int]:
    """For each check, its violations and those that cannot be blamed. Sums run over bad rows only."""
    if not checks:
        return iter(())
    columns = ", ".join(
        f"coalesce(sum(({_broken(c)}) AND NOT ({c.excused})), 0),"
        f" coalesce(sum(({_broken(c)}) AND ({c.excused})), 0)"
        for c in checks
    )
    any_broken = " OR ".join(f"({_broken(check)})" for check in checks)
    statement = f"SELECT {columns} FROM {relation.source} WHERE {any_broken}"  # noqa: S608
    return iter(scratch.row(statement, facts))


def _broken(check: Check) -> str:
    return f"({check.applies}) AND ({check.violated})"


def _examples(
    scratch: Scratch, relation: Relation, check: Check, facts: Facts, condition: str, limit: int
) -> tuple[Example, ...]:
    if limit == 0:
        return ()
    statement = (
        f"SELECT {check.found}, {relation.key} FROM {relation.source}"  # noqa: S608
        f" WHERE {condition} LIMIT {limit}"
    )
    rows = list(scratch.rows(statement, facts))
    subjects = relation.evidence(scratch, [row[1:] for row in rows])
    return tuple(
        Example(subject=subject, found=str(row[0]), evidence=evidence)
        for row, (subject, evidence) in zip(rows, subjects, strict=True)
    )
