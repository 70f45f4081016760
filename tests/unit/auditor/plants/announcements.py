"""Announcements that are missing, repeated, unfounded or wrong."""

import json

from rollcall_events import (
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
)
from rollcall_events.topics import topic_for
from tests.unit.auditor.clean import FULL, OPEN
from tests.unit.auditor.events import (
    assigned,
    excess,
)
from tests.unit.auditor.plants.planting import plant
from tests.unit.auditor.world import World, batch_named


@plant("slot-not-announced")
def slot_announcement_missing(world: World) -> None:
    world.drop(topic_for(EssaySlotAssignedV1).name)


@plant("slot-announced-twice")
def slot_announced_again(world: World) -> None:
    slot = world.row("slot", batch_id=OPEN, text_storage_id="seven")
    world.announce(assigned(slot), "seven")


@plant("slot-announced-twice", "lane-place-twice")
def segment_published_twice(world: World) -> None:
    slot = world.row("slot", batch_id=OPEN, text_storage_id="redriven")
    records = world.of(EssaySlotAssignedV1)
    place = records[-1].headers[0][1].decode()
    world.announce(assigned(slot), "redriven", place=place)


@plant("slot-announced-without-row")
def assigned_without_slot(world: World) -> None:
    slot = world.row("slot", batch_id=OPEN, text_storage_id="seven")
    ghost = assigned(slot, text_storage_id="ghost")
    world.announce(ghost, "ghost")


@plant("slot-announced-differently")
def announced_for_another_essay(world: World) -> None:
    slot = world.row("slot", batch_id=OPEN, text_storage_id="seven")
    for record in world.of(EssaySlotAssignedV1):
        if b'"seven"' in record.value:
            record.value = record.value.replace(slot["essay_id"].encode(), b"essay-9")


@plant("excess-not-announced")
def excess_announcement_missing(world: World) -> None:
    world.drop(topic_for(ExcessContentProvisionedV1).name)


@plant("excess-announced-twice")
def excess_announced_again(world: World) -> None:
    world.announce(excess(world.row("unplaced", identity="four")), "four")


@plant("excess-announced-without-row")
def pending_announced_as_excess(world: World) -> None:
    world.announce(excess(world.row("unplaced", identity="early", kind="content")), "early")


@plant("excess-announced-differently")
def excess_announced_with_another_file(world: World) -> None:
    for record in world.of(ExcessContentProvisionedV1):
        record.value = record.value.replace(b"file-of-four", b"file-of-none")


@plant("output-malformed")
def output_that_breaks_its_contract(world: World) -> None:
    place = world.next_place(b"x")
    topic = topic_for(EssaySlotAssignedV1).name
    world.append(topic, b"x", b"{}", [("lane-seq", place.encode())])


@plant("event-key-differs")
def output_with_another_key(world: World) -> None:
    records = world.of(EssaySlotAssignedV1)
    records[-1].key = b"other"


@plant("event-id-differs")
def output_with_a_random_id(world: World) -> None:
    record = world.of(EssaySlotAssignedV1)[0]
    envelope = json.loads(record.value)
    envelope["event_id"] = str(batch_named("random"))
    record.value = json.dumps(envelope).encode()


@plant("publication-unplaced")
def output_without_place(world: World) -> None:
    world.of(EssaySlotAssignedV1)[0].headers = []


@plant("publication-unplaced")
def output_with_an_unreadable_place(world: World) -> None:
    world.of(ExcessContentProvisionedV1)[0].headers = [("lane-seq", b"one:two")]


@plant("published-out-of-order")
def outputs_out_of_order(world: World) -> None:
    records = world.of(ExcessContentProvisionedV1)
    first, second = (r for r in records if str(FULL).encode() == r.key)
    first.headers, second.headers = second.headers, first.headers
