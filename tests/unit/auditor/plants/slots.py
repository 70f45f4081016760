"""Slots, contents and counters that contradict each other."""

from rollcall_events import (
    BatchEssaysRegisteredV1,
)
from rollcall_events.topics import topic_for
from tests.unit.auditor.clean import OPEN
from tests.unit.auditor.events import assigned, failure
from tests.unit.auditor.plants.planting import complete, plant
from tests.unit.auditor.service import Service
from tests.unit.auditor.world import World, batch_named

# What comes with slots that are not those of the registration.
_UNLIKE_REGISTRATION = ("batch-without-registration", "contradiction-not-dead")


@plant("content-holds-two-slots", "slot-announced-twice")
def content_in_two_slots(world: World) -> None:
    _second_slot(world)
    world.announce(assigned(world.row("slot", batch_id=OPEN, position=2)), "seven")
    complete(world, OPEN)


@plant("content-holds-two-slots")
def content_in_two_slots_announced_once(world: World) -> None:
    _second_slot(world)
    complete(world, OPEN)


def _second_slot(world: World) -> None:
    first = world.row("slot", batch_id=OPEN, position=0)
    second = world.row("slot", batch_id=OPEN, position=2)
    second |= first | {"position": 2, "essay_id": second["essay_id"]}


@plant("failure-holds-two-slots")
def failure_in_two_slots(world: World) -> None:
    batch = batch_named("two failures")
    service = Service(world)
    service.register(batch, 3)
    service.fail(failure(batch, "twice"))
    taken = world.row("slot", batch_id=batch, position=0)
    other = world.row("slot", batch_id=batch, position=1)
    other |= taken | {"position": 1, "essay_id": other["essay_id"]}
    world.row("batch", batch_id=batch).update(failed_count=2, open_count=1)


@plant("slot-twice", "slots-differ-from-expected", "counters-differ", *_UNLIKE_REGISTRATION)
def slot_row_twice(world: World) -> None:
    slot = world.row("slot", batch_id=OPEN, state="open")
    world.tables["slot"].append(dict(slot))


@plant("slot-contradicts-itself")
def open_slot_holds_a_failure(world: World) -> None:
    world.row("slot", batch_id=OPEN, state="open")["validation_error_code"] = "EMPTY_CONTENT"


@plant(
    "slots-differ-from-expected",
    "counters-differ",
    "state-contradicts-slots",
    *_UNLIKE_REGISTRATION,
)
def slot_missing(world: World) -> None:
    world.remove("slot", batch_id=OPEN, state="open")


@plant("slots-differ-from-expected")
def slots_without_batch(world: World) -> None:
    slot = world.row("slot", batch_id=OPEN, state="open")
    world.tables["slot"].append(slot | {"batch_id": batch_named("orphan")})


@plant("counters-differ")
def counters_that_do_not_count(world: World) -> None:
    world.row("batch", batch_id=OPEN).update(filled_count=1, failed_count=1, open_count=1)


@plant("batch-without-registration")
def batch_that_nobody_registered(world: World) -> None:
    Service(world).register(batch_named("elsewhere"), 1)
    world.drop(topic_for(BatchEssaysRegisteredV1).name, -1)


@plant(*_UNLIKE_REGISTRATION)
def slots_of_other_essays(world: World) -> None:
    world.row("slot", batch_id=OPEN, state="open")["essay_id"] = "essay-9"
