"""A check: what it looks at, the sides it needs, and what it makes of them. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from rollcall_cluster.doctor.facts import Facts, Unseen
from rollcall_cluster.doctor.findings import Finding, Verdict


class Found(NamedTuple):
    """Something that is not as it should be."""

    verdict: Verdict
    found: str
    remedy: str


def problem(found: str, remedy: str) -> Found:
    """Something that must be mended."""
    return Found(Verdict.PROBLEM, found, remedy)


def warning(found: str, remedy: str) -> Found:
    """Something that may bite later."""
    return Found(Verdict.WARNING, found, remedy)


def unseen(reason: str, remedy: str = "") -> Found:
    """Something that could not be looked at."""
    return Found(Verdict.UNSEEN, reason, remedy)


@dataclass(slots=True, frozen=True)
class Check:
    """One subject of the examination.

    `judge` gives what is wrong, and nothing if all is well. It is not asked if one of `sides` ("kafka",
    "postgres", "redis") could not be seen; a side that the deployment does not use has no checks.
    """

    name: str
    looks_at: str
    sides: tuple[str, ...]
    judge: Callable[[Facts], Iterable[Found]]

    def run(self, facts: Facts) -> list[Finding]:
        """What this check says: at least one finding, unless it does not apply."""
        seen = [getattr(facts, side) for side in self.sides]
        if any(side is None for side in seen):
            return []
        reasons = [side.reason for side in seen if isinstance(side, Unseen)]
        found = [unseen(reasons[0])] if reasons else list(self.judge(facts))
        if not found:
            found = [Found(Verdict.OK, "", "")]
        return [
            Finding(
                check=self.name,
                looks_at=self.looks_at,
                verdict=item.verdict,
                found=item.found,
                remedy=item.remedy,
            )
            for item in found
        ]
