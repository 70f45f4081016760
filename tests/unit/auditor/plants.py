"""Every kind of violation, each as a change to the clean world, with the checks that must find it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchEssaysRegisteredV1,
    BatchReadinessTimeoutV1,
    BatchValidationErrorsV1,
    DeadLetterV1,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
)
from rollcall_events.topics import topic_for
from tests.unit.auditor.world import (
    FAILED,
    FULL,
    LANES,
    NOW,
    OPEN,
    UNKNOWN,
    Service,
    World,
    assigned,
    batch_named,
    clean_world,
    completion,
    content,
    encoded,
    excess,
    failure,
    letter,
    registration,
    unplaced_row,
)

# What comes with slots that are not those of the registration.
_UNLIKE_REGISTRATION = ("batch-without-registration", "contradiction-not-dead")
_CONTENT_TOPIC = topic_for(EssayContentProvisionedV1).name


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
            Plant(change.__name__, change, frozenset(found), afterwards or needs_servers, needs_servers)
        )
        return change

    return register


# -- 1: every content is in exactly one place, every bad record is a dead letter


@plant("content-nowhere")
def content_nowhere(world: World) -> None:
    world.take_in(content(OPEN, "lost"))


@plant("failure-nowhere")
def failure_nowhere(world: World) -> None:
    world.take_in(failure(OPEN, "lost"))


@plant("content-in-several-places")
def content_in_slot_and_excess(world: World) -> None:
    data = content(FULL, "one").model_dump(exclude={"batch_id", "text_storage_id"})
    row = unplaced_row(FULL, "content", "one", "excess", **data)
    world.tables["unplaced"].append(row)
    world.announce(excess(row), "one")


@plant("failure-in-several-places")
def failure_in_slot_and_excess(world: World) -> None:
    data = failure(FAILED, "broken").model_dump(mode="json", exclude={"batch_id"})
    world.tables["unplaced"].append(unplaced_row(FAILED, "failure", "broken", "excess", **data))


@plant("content-without-input")
def content_never_provided(world: World) -> None:
    data = content(UNKNOWN, "ghost").model_dump(exclude={"batch_id", "text_storage_id"})
    world.tables["unplaced"].append(unplaced_row(UNKNOWN, "content", "ghost", "pending", **data))


@plant("failure-without-input")
def failure_never_provided(world: World) -> None:
    data = failure(UNKNOWN, "ghost").model_dump(mode="json", exclude={"batch_id"})
    world.tables["unplaced"].append(unplaced_row(UNKNOWN, "failure", "ghost", "pending", **data))


@plant("content-differs-from-input")
def content_with_the_data_of_another(world: World) -> None:
    world.row("unplaced", identity="early", kind="content")["original_file_name"] = "other.docx"


@plant("failure-differs-from-input")
def failure_with_the_data_of_another(world: World) -> None:
    world.row("unplaced", identity="late")["file_size_bytes"] = 99


@plant("excess-while-open")
def excess_although_slots_are_open(world: World) -> None:
    data = content(OPEN, "hasty")
    world.take_in(data)
    claim = data.model_dump(exclude={"batch_id", "text_storage_id"})
    row = unplaced_row(OPEN, "content", "hasty", "excess", **claim)
    world.tables["unplaced"].append(row)
    world.announce(excess(row), "hasty")


@plant("excess-while-open")
def excess_of_an_unregistered_batch(world: World) -> None:
    row = world.row("unplaced", batch_id=UNKNOWN, kind="content")
    row["outcome"] = "excess"
    world.announce(excess(row), row["identity"])


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


# -- 2: slots, contents, counters


@plant("content-holds-two-slots", "slot-announced-twice")
def content_in_two_slots(world: World) -> None:
    _second_slot(world)
    world.announce(assigned(world.row("slot", batch_id=OPEN, position=2)), "seven")
    _complete(world, OPEN)


@plant("content-holds-two-slots")
def content_in_two_slots_announced_once(world: World) -> None:
    _second_slot(world)
    _complete(world, OPEN)


def _second_slot(world: World) -> None:
    first = world.row("slot", batch_id=OPEN, position=0)
    second = world.row("slot", batch_id=OPEN, position=2)
    second |= first | {"position": 2, "essay_id": second["essay_id"]}


def _complete(world: World, batch: UUID) -> None:
    row = world.row("batch", batch_id=batch)
    row |= {"filled_count": 3, "open_count": 0, "state": "completed", "completed_at": NOW}
    world.tables["completion"].append({"batch_id": batch})
    for event in completion(world, batch):
        world.announce(event)


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


# -- 3: announcements


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


# -- 4: completion


@plant("state-contradicts-slots", "counters-differ")
def completed_with_open_slots(world: World) -> None:
    _complete(world, OPEN)


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
    for _ in range(2):
        world.announce(
            BatchReadinessTimeoutV1(
                batch_id=OPEN,
                expected_count=3,
                provisioned_count=1,
                failed_count=0,
                open_count=2,
                missing_essay_ids=(),
                timed_out_at=NOW,
                policy="wait",
            )
        )


@plant("completion-announced-without-row")
def open_batch_announced_as_completed(world: World) -> None:
    world.announce(completion(world, OPEN)[0])


@plant("completion-announced-without-row", "completion-lists-differ")
def errors_of_a_batch_without_failures(world: World) -> None:
    (record,) = world.of(BatchValidationErrorsV1)
    event = BatchValidationErrorsV1.envelope().model_validate_json(record.value).data
    world.announce(event.model_copy(update={"batch_id": FULL}))


@plant("completion-lists-differ")
def list_lacks_an_essay(world: World) -> None:
    _change_data(world, BatchEssaysReadyV1, lambda data: data["ready_essays"].pop())


@plant("completion-lists-differ")
def list_mixes_up_essays(world: World) -> None:
    def swap(data):
        one, two, *_ = data["essays_for_processing"]
        one["text_storage_id"], two["text_storage_id"] = two["text_storage_id"], one["text_storage_id"]

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


def _change_data(world, model, change) -> None:
    record = world.of(model)[0]
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


# -- 5: positions, pending


@plant("position-beyond-end", afterwards=True)
def position_beyond_the_end(world: World) -> None:
    world.tables["position"][0]["next_offset"] += 1


@plant("position-beyond-end", needs_servers=True)
def position_of_a_partition_that_does_not_exist(world: World) -> None:
    row = world.tables["position"][0]
    world.tables["position"].append(row | {"partition": 77, "next_offset": 5})


@plant("position-behind", needs_servers=True)
def input_not_handled(world: World) -> None:
    world.take_in(content(OPEN, "waiting"))


@plant("position-behind", needs_servers=True)
def partition_never_handled(world: World) -> None:
    world.take_in(registration(batch_named("late"), 1), key=b"some other partition")


@plant("pending-of-registered-batch")
def pending_although_registered(world: World) -> None:
    Service(world).open(UNKNOWN, 3)


# -- 6: segments and lanes


@plant("segments-left", afterwards=True)
def segment_left(world: World) -> None:
    world.tables["segment"].append({"lane": 0, "event_count": 1, "payload": b"x"})


@plant("lane-ahead-of-database", afterwards=True)
def database_older_than_kafka(world: World) -> None:
    row = max(world.tables["lane"], key=lambda row: row["last_seq"])
    row.update(last_seq=row["last_seq"] - 1, published_seq=0)


@plant("lane-behind-database", "lane-numbers-lost", afterwards=True)
def kafka_older_than_database(world: World) -> None:
    row = max(world.tables["lane"], key=lambda row: row["last_seq"])
    row.update(last_seq=row["last_seq"] + 1, published_seq=row["last_seq"] + 1)


@plant("lane-numbers-lost", afterwards=True)
def segment_numbered_and_lost(world: World) -> None:
    world.tables["lane"][0]["last_seq"] += 1
