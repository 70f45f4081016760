"""Registers violations to plant."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from tests.unit.auditor.clean import clean_world
from tests.unit.auditor.events import completion
from tests.unit.auditor.world import NOW, World


@dataclass(frozen=True)
class Plant:
    """A violation to plant. `needs_servers`: it lies in how logs and positions relate."""

    name: str
    change: Callable[[World], object]
    found: frozenset[str]
    afterwards: bool
    needs_servers: bool

    def world(self, prefix: str = "") -> World:
        """The clean world with the violation in it."""
        world = clean_world(prefix)
        if self.afterwards:
            self.change(world.finish())
        else:
            self.change(world)
            world.finish()
        return world


PLANTS: list[Plant] = []


def plant(
    *found: str, afterwards: bool = False, needs_servers: bool = False
) -> Callable[..., Callable[[World], object]]:
    """Register a change together with the codes that it must be reported under, and no others.

    `afterwards`: made when positions and lanes are noted already, so that they do not agree with it.
    """

    def register(change: Callable[[World], object]) -> Callable[[World], object]:
        PLANTS.append(
            Plant(
                change.__name__,
                change,
                frozenset(found),
                afterwards or needs_servers,
                needs_servers,
            )
        )
        return change

    return register


def complete(world: World, batch: UUID) -> None:
    """Make a batch of three complete, and say so."""
    row = world.row("batch", batch_id=batch)
    row |= {"filled_count": 3, "open_count": 0, "state": "completed", "completed_at": NOW}
    world.tables["completion"].append({"batch_id": batch})
    for event in completion(world, batch):
        world.announce(event)
