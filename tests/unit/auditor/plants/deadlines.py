"""Deadlines whose effects and announcements do not agree, and purges that left or took too much."""

import json

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchReadinessTimeoutV1,
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
)
from rollcall_events.topics import topic_for
from tests.unit.auditor.clean import CLOSED, FULL, KEPT_OPEN, OPEN, PARTIAL, PURGED
from tests.unit.auditor.events import timeout
from tests.unit.auditor.plants.planting import plant
from tests.unit.auditor.world import NOW, World


@plant("timeout-not-announced")
def timeout_missing(world: World) -> None:
    world.drop(topic_for(BatchReadinessTimeoutV1).name)


@plant("timeout-announced-without-row")
def timeout_of_a_batch_that_has_none(world: World) -> None:
    world.announce(timeout(world, OPEN))


@plant("timeout-announced-differently")
def timeout_with_another_policy(world: World) -> None:
    _change(world, KEPT_OPEN, policy="close")


@plant("timeout-announced-differently")
def timeout_with_counts_that_do_not_add_up(world: World) -> None:
    _change(world, KEPT_OPEN, open_count=0)


@plant("timeout-announced-differently")
def timeout_that_lists_another_essay(world: World) -> None:
    _change(world, CLOSED, missing_essay_ids=["essay-1", "essay-9"])


@plant("timeout-announced-differently")
def timeout_that_counts_another_filled_slot(world: World) -> None:
    _change(world, CLOSED, provisioned_count=0, open_count=3)


@plant("timeout-contradicts-state", "timeout-announced-without-row")
def missing_slots_without_timeout(world: World) -> None:
    world.row("batch", batch_id=CLOSED)["timed_out_at"] = None


@plant("timeout-contradicts-state")
def closed_without_a_date(world: World) -> None:
    world.row("batch", batch_id=CLOSED)["closed_at"] = None


@plant("timeout-contradicts-state")
def timed_out_without_deadline(world: World) -> None:
    world.row("batch", batch_id=FULL)["timed_out_at"] = NOW
    world.announce(timeout(world, FULL))


@plant("contradiction-not-dead", "batch-without-registration")
def another_deadline_than_registered(world: World) -> None:
    row = world.row("batch", batch_id=KEPT_OPEN)
    row["deadline_at"] = row["registered_at"].replace(year=2027)


@plant("excess-reason-differs")
def closed_batch_announced_as_full(world: World) -> None:
    _replace(world, CLOSED, b"BATCH_CLOSED", b"NO_AVAILABLE_SLOT")


@plant("excess-reason-differs")
def full_batch_announced_as_closed(world: World) -> None:
    _replace(world, FULL, b"NO_AVAILABLE_SLOT", b"BATCH_CLOSED")


@plant("slot-event-after-end")
def slot_event_behind_the_timeout(world: World) -> None:
    late = _of(world, BatchReadinessTimeoutV1, CLOSED)
    slot = _of(world, EssaySlotAssignedV1, CLOSED)
    late.headers, slot.headers = slot.headers, late.headers


@plant("counters-differ", "timeout-announced-differently")
def missing_slots_that_nobody_counts(world: World) -> None:
    world.row("batch", batch_id=PARTIAL)["missing_count"] = 1


@plant("purged-batch-differs", "slots-differ-from-expected")
def slot_of_a_purged_batch(world: World) -> None:
    slot = world.row("slot", batch_id=OPEN, state="open")
    for position in range(2):
        world.tables["slot"].append(
            slot | {"batch_id": PURGED, "position": position, "essay_id": f"essay-{position}"}
        )


@plant("purged-batch-differs")
def completion_of_a_purged_batch(world: World) -> None:
    world.tables["completion"].append({"batch_id": PURGED})


@plant("purged-batch-differs", "completion-announced-without-row")
def purged_before_its_end(world: World) -> None:
    world.row("batch", batch_id=PURGED).update(state="open", completed_at=None)


@plant("completion-not-announced")
def purged_before_its_completion_was_published(world: World) -> None:
    model = BatchContentProvisioningCompletedV1
    numbers = [n for n, r in enumerate(world.of(model)) if r.key == str(PURGED).encode()]
    world.drop(topic_for(model).name, numbers[0])


def _of(world: World, model, batch):
    return next(record for record in world.of(model) if record.key == str(batch).encode())


def _change(world: World, batch, **said) -> None:
    record = _of(world, BatchReadinessTimeoutV1, batch)
    envelope = json.loads(record.value)
    envelope["data"] |= said
    record.value = json.dumps(envelope).encode()


def _replace(world: World, batch, old: bytes, new: bytes) -> None:
    for record in world.of(ExcessContentProvisionedV1):
        if record.key == str(batch).encode():
            record.value = record.value.replace(old, new)
