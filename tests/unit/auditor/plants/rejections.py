"""Bad records without dead letter, and dead letters that do not agree with their events."""

from rollcall_events import (
    DeadLetterV1,
    EssayContentProvisionedV1,
)
from rollcall_events.topics import topic_for
from tests.unit.auditor.clean import OPEN
from tests.unit.auditor.events import content, letter, registration
from tests.unit.auditor.plants.planting import plant
from tests.unit.auditor.service import Service
from tests.unit.auditor.world import World, batch_named, encoded

_CONTENT_TOPIC = topic_for(EssayContentProvisionedV1).name


@plant("undecodable-not-dead")
def undecodable_passed_over(world: World) -> None:
    world.append(_CONTENT_TOPIC, b"any", b"{")


@plant("undecodable-not-dead")
def tombstone_passed_over(world: World) -> None:
    world.append(_CONTENT_TOPIC, b"any", None)


@plant("undecodable-not-dead")
def oversized_passed_over(world: World) -> None:
    world.append(_CONTENT_TOPIC, b"any", encoded(content(OPEN, "big")) + b" " * 1_100_000)


@plant("unknown-type-dead")
def unknown_type_buried(world: World) -> None:
    value = encoded(content(OPEN, "x")).replace(b"EssayContentProvisionedV1", b"NewsV1")
    Service(world).bury(world.append(_CONTENT_TOPIC, b"any", value))


@plant("contradiction-not-dead")
def contradiction_passed_over(world: World) -> None:
    world.take_in(registration(OPEN, 3, essay_ids=("essay-1", "essay-0", "essay-2")))


@plant("registration-without-batch")
def registration_without_effect(world: World) -> None:
    world.take_in(registration(batch_named("lost"), 2))


@plant("dead-letter-not-announced")
def dead_letter_kept_silent(world: World) -> None:
    Service(world).bury(world.append(_CONTENT_TOPIC, b"any", b"{"))
    world.drop(topic_for(DeadLetterV1).name, -1)


@plant("dead-letter-announced-twice")
def dead_letter_announced_twice(world: World) -> None:
    record = world.append(_CONTENT_TOPIC, b"any", b"{")
    Service(world).bury(record)
    world.announce(letter(world, record))


@plant("dead-letter-without-row")
def dead_letter_without_row(world: World) -> None:
    world.announce(letter(world, world.of(EssayContentProvisionedV1)[0]))


@plant("dead-letter-not-handled")
def dead_letter_beyond_the_position(world: World) -> None:
    record = world.of(EssayContentProvisionedV1)[0]
    record.offset += 1000
    Service(world).bury(record)
    record.offset -= 1000
