"""Contents and failures that are nowhere, in two places, or never were provided."""

from rollcall_events import EssayContentProvisionedV1
from tests.unit.auditor.clean import FAILED, FULL, OPEN, UNKNOWN
from tests.unit.auditor.events import content, excess, failure
from tests.unit.auditor.plants.planting import plant
from tests.unit.auditor.rows import unplaced_row
from tests.unit.auditor.service import Service
from tests.unit.auditor.world import World


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


@plant("content-without-input")
def dead_letter_that_took_effect(world: World) -> None:
    Service(world).bury(world.of(EssayContentProvisionedV1)[-1])


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
