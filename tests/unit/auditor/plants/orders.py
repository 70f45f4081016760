"""Orders of operators that are not carried out as the audit says, and events that pretend to be ordered."""

from tests.unit.auditor.clean import FULL
from tests.unit.auditor.events import assigned, content
from tests.unit.auditor.plants.planting import plant
from tests.unit.auditor.service import Service
from tests.unit.auditor.world import World


def _replayed(world: World) -> int:
    Service(world).replay(FULL)
    return len(world.tables["operator_audit"])


def _reassigned(world: World) -> None:
    service = Service(world)
    service.provide(content(FULL, "another"))
    service.reassign(FULL)


@plant("marked-without-order")
def replay_that_nobody_ordered(world: World) -> None:
    slot = world.row("slot", batch_id=FULL, state="filled")
    world.announce(assigned(slot), slot["text_storage_id"], mark=("rollcall-replay", 77))


@plant("marked-without-order", "order-not-published")
def replay_marked_as_a_correction(world: World) -> None:
    before = len(world.records)
    entry = _replayed(world)
    record = world.records[before]
    record.headers[1] = ("rollcall-correction", str(entry).encode())
    _of_another_order(world, entry)


@plant("marked-event-twice")
def replayed_twice_by_one_order(world: World) -> None:
    entry = _replayed(world)
    slot = world.row("slot", batch_id=FULL, state="filled")
    world.announce(assigned(slot), slot["text_storage_id"], mark=("rollcall-replay", entry))


@plant("order-not-published")
def replay_that_lacks_an_event(world: World) -> None:
    _of_another_order(world, _replayed(world))


@plant("slot-announced-twice", "completion-before-slots")
def announced_twice_without_a_mark(world: World) -> None:
    _replayed(world)
    slot = world.row("slot", batch_id=FULL, state="filled")
    world.announce(assigned(slot), slot["text_storage_id"])


@plant(
    "reassignment-differs",
    "content-nowhere",
    "slot-not-announced",
    "slot-announced-without-row",
    "excess-announced-without-row",
    "completion-lists-differ",
)
def reassigned_slot_whose_former_content_is_lost(world: World) -> None:
    _reassigned(world)
    world.tables["unplaced"].pop()


def _of_another_order(world: World, entry: int) -> None:
    row = world.tables["operator_audit"][entry - 1]
    row["after"] = row["after"].replace('"events": ', '"events": 1')
