"""The same event many times, and many contents for one slot, at all instances at once."""

from collections.abc import Sequence
from uuid import UUID

from rollcall_cluster.scenarios.findings import Finding
from rollcall_cluster.scenarios.stage import Distribution, Stage
from rollcall_cluster.scenarios.verdicts import Row, required, worst
from rollcall_cluster.testing.batches import content, message
from rollcall_events import EssaySlotAssignedV1, ExcessContentProvisionedV1

COPIES = 20
_REPETITIONS = 5
_SLOTS = 3


async def run(stage: Stage, finding: Finding) -> None:
    """Every race five times, each on a batch of its own."""
    distribution = await Distribution(stage).begin()
    stage.on_step(f"{COPIES} identical events to all instances at once")
    identical = await _race(stage, _SLOTS, [0] * COPIES, identical=True)
    stage.on_step(f"{COPIES} events of one content, each with an id of its own")
    same_content = await _race(stage, _SLOTS, [0] * COPIES, identical=False)
    stage.on_step(f"{COPIES} contents for the last slot")
    last_slot = await _race(stage, 1, range(COPIES), identical=False)
    await stage.settle()
    finding.rows += [
        _assigned(stage, identical, f"{COPIES} identical events, slots assigned"),
        _assigned(stage, same_content, f"{COPIES} events of one content, slots assigned"),
        _assigned(stage, last_slot, f"{COPIES} contents for one slot, slots assigned"),
        required(
            f"{COPIES} contents for one slot, announced as excess",
            worst(
                [len(stage.outputs.of(ExcessContentProvisionedV1, each)) for each in last_slot],
                COPIES - 1,
            ),
            COPIES - 1,
        ),
        await _slots_taken(stage, identical),
    ]
    finding.plots += await distribution.plots("race conditions")


async def _race(stage: Stage, slots: int, numbers: Sequence[int], *, identical: bool) -> list[UUID]:
    """Send contents of these numbers to partitions of all instances, for several batches."""
    places = await stage.partitions_in_turns()
    batches = await stage.sender.register([slots] * _REPETITIONS)
    for batch_id in batches:
        messages = [message(content(batch_id, number)) for number in numbers]
        if identical:
            messages = [messages[0]] * len(messages)
        partitions = [places[n % len(places)] for n in range(len(messages))]
        await stage.sender.send_contents(messages, partitions, str(batch_id))
    return batches


def _assigned(stage: Stage, batches: Sequence[UUID], name: str) -> Row:
    counts = [len(stage.outputs.of(EssaySlotAssignedV1, batch_id)) for batch_id in batches]
    return required(name, worst(counts, 1), 1, f"{len(batches)} times")


async def _slots_taken(stage: Stage, batches: Sequence[UUID]) -> Row:
    """As every instance tells it."""
    told = [
        batch["filled_count"]
        for batch_id in batches
        for batch in await stage.instances.everywhere(f"/v1/batches/{batch_id}")
    ]
    return required(
        f"{COPIES} identical events, slots filled as every instance says", worst(told, 1), 1
    )
