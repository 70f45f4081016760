"""Which faults come, in which order: drawn from a seed. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rollcall_cluster.chaos.arena import Powers
from rollcall_cluster.chaos.faults import FAULTS, Fault


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A fault that cannot be inflicted here."""

    name: str
    reason: str


def possible(names: Sequence[str], powers: Powers) -> tuple[list[type[Fault]], list[LeftOut]]:
    """Part the faults of these names, all if there are none, into possible ones and others."""
    chosen = [FAULTS[name] for name in names or FAULTS]
    found: list[type[Fault]] = []
    left_out: list[LeftOut] = []
    for fault in chosen:
        if reason := fault.obstacle(powers):
            left_out.append(LeftOut(fault.name, reason))
        else:
            found.append(fault)
    return found, left_out


def draw(faults: Sequence[type[Fault]], count: int, seed: int) -> list[type[Fault]]:
    """Draw a sequence: each fault once in random order, as far as `count` goes, then by weight."""
    draws = random.Random(f"{seed}/faults")  # noqa: S311 - reproducible on purpose
    first = draws.sample(list(faults), min(count, len(faults)))
    weights = [fault.weight for fault in faults]
    rest = draws.choices(list(faults), weights, k=count - len(first))
    return first + rest
