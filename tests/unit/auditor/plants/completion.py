"""Completions that are wrong, missing, repeated or out of order."""

import json

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchValidationErrorsV1,
    EssaySlotAssignedV1,
)
from rollcall_events.topics import topic_for
from tests.unit.auditor.clean import CLOSED, FULL, OPEN, PARTIAL
from tests.unit.auditor.events import (
    completion,
    timeout,
)
from tests.unit.auditor.plants.planting import complete, plant
from tests.unit.auditor.world import LANES, World


@plant("state-contradicts-slots", "counters-differ")
def completed_with_open_slots(world: World) -> None:
    complete(world, OPEN)


@plant("state-contradicts-slots")
def full_but_not_completed(world: World) -> None:
    world.row("batch", batch_id=FULL).update(state="open", completed_at=None)
    world.remove("completion", batch_id=FULL)
    world.drop(topic_for(BatchContentProvisioningCompletedV1).name)
    world.drop(topic_for(BatchEssaysReadyV1).name)


@plant("completion-row-differs")
def completion_row_missing(world: World) -> None:
    world.remove("completion", batch_id=FULL)


@plant("completion-row-differs")
def completed_without_a_date(world: World) -> None:
    world.row("batch", batch_id=FULL)["completed_at"] = None


@plant("completion-row-differs")
def completion_row_of_an_open_batch(world: World) -> None:
    world.tables["completion"].append({"batch_id": OPEN})


@plant("completion-row-differs")
def completion_row_twice(world: World) -> None:
    world.tables["completion"].append({"batch_id": FULL})


@plant("completion-not-announced")
def completed_event_missing(world: World) -> None:
    world.drop(topic_for(BatchContentProvisioningCompletedV1).name)


@plant("completion-not-announced")
def ready_event_missing(world: World) -> None:
    world.drop(topic_for(BatchEssaysReadyV1).name)


@plant("completion-not-announced")
def errors_event_missing(world: World) -> None:
    world.drop(topic_for(BatchValidationErrorsV1).name)


@plant("completion-announced-twice")
def completion_twice(world: World) -> None:
    world.announce(completion(world, FULL)[0])


@plant("completion-announced-twice")
def timeout_twice(world: World) -> None:
    world.announce(timeout(world, CLOSED))


@plant("completion-lists-differ")
def completion_lists_another_missing_essay(world: World) -> None:
    def change(data):
        data["missing_essay_ids"][0] = "essay-9"

    _change_data(world, BatchContentProvisioningCompletedV1, change, of=PARTIAL)


@plant("completion-announced-without-row")
def open_batch_announced_as_completed(world: World) -> None:
    world.announce(completion(world, OPEN)[0])


@plant("completion-announced-without-row", "completion-lists-differ")
def errors_of_a_batch_without_failures(world: World) -> None:
    record, *_ = world.of(BatchValidationErrorsV1)
    event = BatchValidationErrorsV1.envelope().model_validate_json(record.value).data
    world.announce(event.model_copy(update={"batch_id": FULL}))


@plant("completion-lists-differ")
def list_lacks_an_essay(world: World) -> None:
    _change_data(world, BatchEssaysReadyV1, lambda data: data["ready_essays"].pop())


@plant("completion-lists-differ")
def list_mixes_up_essays(world: World) -> None:
    def swap(data):
        one, two, *_ = data["essays_for_processing"]
        one["text_storage_id"], two["text_storage_id"] = (
            two["text_storage_id"],
            one["text_storage_id"],
        )

    _change_data(world, BatchContentProvisioningCompletedV1, swap)


@plant("completion-lists-differ")
def list_repeats_an_essay(world: World) -> None:
    def repeat(data):
        data["ready_essays"].append(data["ready_essays"][0])

    _change_data(world, BatchEssaysReadyV1, repeat)


@plant("completion-lists-differ")
def errors_with_another_code(world: World) -> None:
    def change(data):
        data["errors"][0]["validation_error_code"] = "CONTENT_TOO_LONG"

    _change_data(world, BatchValidationErrorsV1, change)


@plant("completion-lists-differ")
def counts_that_do_not_count(world: World) -> None:
    _change_data(
        world, BatchContentProvisioningCompletedV1, lambda data: data.update(provisioned_count=2)
    )


@plant("completion-lists-differ")
def context_of_another_batch(world: World) -> None:
    _change_data(world, BatchEssaysReadyV1, lambda data: data.update(essay_instructions="Read."))


def _change_data(world, model, change, of=None) -> None:
    record = next(r for r in world.of(model) if of is None or r.key == str(of).encode())
    envelope = json.loads(record.value)
    change(envelope["data"])
    record.value = json.dumps(envelope).encode()


@plant("completion-before-slots")
def completion_before_a_slot_event(world: World) -> None:
    completed = next(r for r in world.of(BatchEssaysReadyV1) if r.key == str(FULL).encode())
    slots = [r for r in world.of(EssaySlotAssignedV1) if r.key == str(FULL).encode()]
    completed.headers, slots[-1].headers = slots[-1].headers, completed.headers


@plant("batch-in-several-lanes")
def batch_in_two_lanes(world: World) -> None:
    record = world.of(EssaySlotAssignedV1)[-1]
    (_, place), *_ = record.headers
    lane = (int(place.split(b":")[0]) + 1) % LANES
    world.next_seq[lane] += 1
    record.headers = [("lane-seq", f"{lane}:{world.next_seq[lane]}:0".encode())]
