"""What a correct service leaves behind: batches of every kind, records of every sort."""

from rollcall_events import (
    DeadlinePolicy,
    EssayContentProvisionedV1,
)
from rollcall_events.topics import topic_for
from tests.unit.auditor.events import (
    content,
    failure,
    registration,
)
from tests.unit.auditor.service import Service
from tests.unit.auditor.world import World, batch_named, encoded

FULL = batch_named("full")
FAILED = batch_named("failed")
OPEN = batch_named("open")
UNKNOWN = batch_named("unknown")
KEPT_OPEN = batch_named("kept open")
PARTIAL = batch_named("partial")
CLOSED = batch_named("closed")
PURGED = batch_named("purged")
MENDED = batch_named("mended by hand")
SHUT = batch_named("shut by hand")


def clean_world(prefix: str = "") -> World:
    """Full, failed, open and unregistered batches, excess, repetitions, every sort of bad record.

    `World.finish` has to follow, when everything is in place.
    """
    world = World(prefix)
    service = Service(world)
    service.provide(content(FULL, "one"))
    service.register(FULL, 3)
    for text in ("two", "three", "two", "four", "five", "four"):
        service.provide(content(FULL, text))
    world.take_in(content(FULL, "two"), key=None)
    service.register(FULL, 3)
    service.bury(world.take_in(registration(FULL, 3, course_code="other")))
    service.register(FAILED, 3)
    service.provide(content(FAILED, "one"))
    service.fail(failure(FAILED, "broken"))
    service.fail(failure(FAILED, "broken"))
    service.provide(content(FAILED, "six", file_upload_id="broken", content_md5_hash=None))
    service.fail(failure(FAILED, "late"))
    service.register(OPEN, 3)
    service.provide(content(OPEN, "seven"))
    service.provide(content(UNKNOWN, "early"))
    service.fail(failure(UNKNOWN, "early"))
    _deadlines(service)
    _purged(service)
    _by_hand(service)
    _bad_records(world, service)
    return world


def _deadlines(service: Service) -> None:
    policies = {KEPT_OPEN: "keep_open", PARTIAL: "complete_partial", CLOSED: "close"}
    for batch, policy in policies.items():
        service.register(batch, 3, DeadlinePolicy(policy))
        service.provide(content(batch, "one"))
        service.time_out(batch)
        service.provide(content(batch, "late"))
        service.fail(failure(batch, "late"))


def _by_hand(service: Service) -> None:
    service.register(MENDED, 3)
    service.provide(content(MENDED, "one"))
    service.fail(failure(MENDED, "broken"))
    service.force(MENDED, "completed")
    service.provide(content(MENDED, "late"))
    service.reassign(MENDED)
    service.replay(MENDED)
    service.register(SHUT, 2)
    service.force(SHUT, "closed")


def _purged(service: Service) -> None:
    service.register(PURGED, 1)
    service.provide(content(PURGED, "one"))
    service.provide(content(PURGED, "two"))
    service.purge(PURGED)
    service.provide(content(PURGED, "one"))
    service.register(PURGED, 1)


def _bad_records(world: World, service: Service) -> None:
    topic = topic_for(EssayContentProvisionedV1).name
    sound = encoded(content(FULL, "never"))
    world.append(topic, b"any", sound.replace(b"EssayContentProvisionedV1", b"SomethingElseV9"))
    for value in (
        b"not json",
        b"[]",
        b"\xff\xfe",
        sound.replace(b'"schema_version":1', b'"schema_version":2'),
        sound.replace(b'"file_size_bytes":100', b'"file_size_bytes":"many"'),
        sound + b" " * 1_100_000,
        b"",
        None,
    ):
        service.bury(world.append(topic, b"any", value))
    # Sound, but no handler could take it; another that went through when it was sent again.
    service.bury(world.take_in(content(FULL, "poison")))
    service.bury(world.take_in(content(OPEN, "redriven")), state="redriven")
    service.provide(content(OPEN, "redriven"))
