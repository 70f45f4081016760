"""Six essays at three instances: six contents, six slots, whoever handles them."""

from collections import Counter
from uuid import UUID

from rollcall_cluster.scenarios.findings import Finding
from rollcall_cluster.scenarios.stage import Distribution, Stage
from rollcall_cluster.scenarios.verdicts import Bound, Comparison, Row, required, worst
from rollcall_cluster.testing.batches import content, message
from rollcall_events import EssaySlotAssignedV1

ESSAYS = 6
_REPETITIONS = 10
_USUAL_INSTANCES = 3


async def run(stage: Stage, finding: Finding) -> None:
    """Ten batches of six, each content at the next instance."""
    distribution = await Distribution(stage).begin()
    places = await stage.partitions_in_turns()
    stage.on_step(f"{_REPETITIONS} batches of {ESSAYS}, each content at the next instance")
    batches = await stage.sender.register([ESSAYS] * _REPETITIONS)
    for turn, batch_id in enumerate(batches):
        messages = [message(content(batch_id, number)) for number in range(ESSAYS)]
        partitions = [places[(turn + number) % len(places)] for number in range(ESSAYS)]
        await stage.sender.send_contents(messages, partitions, str(batch_id))
    await stage.settle()
    by_instance, _ = await distribution.counts()
    finding.rows += [
        required(
            f"{ESSAYS} essays, slots assigned",
            worst([len(_assigned(stage, each, "essay_id")) for each in batches], ESSAYS),
            ESSAYS,
            f"{_REPETITIONS} times",
        ),
        required(
            f"{ESSAYS} essays, different slots",
            worst([len(set(_assigned(stage, each, "essay_id"))) for each in batches], ESSAYS),
            ESSAYS,
        ),
        required(
            f"{ESSAYS} essays, different contents",
            worst(
                [len(set(_assigned(stage, each, "text_storage_id"))) for each in batches], ESSAYS
            ),
            ESSAYS,
        ),
        required("essays with two slots", _doubles(stage, batches), 0),
        _took_part(by_instance, stage.instances.count),
    ]
    finding.plots += await distribution.plots("coordination")


def _assigned(stage: Stage, batch_id: UUID, field: str) -> list[str]:
    return [seen.data[field] for seen in stage.outputs.of(EssaySlotAssignedV1, batch_id)]


def _doubles(stage: Stage, batches: list[UUID]) -> int:
    counts = [Counter(_assigned(stage, batch_id, "text_storage_id")) for batch_id in batches]
    return sum(number > 1 for count in counts for number in count.values())


def _took_part(by_instance: dict[str, float], instances: int) -> Row:
    """All of them, or without that many partitions in turn it would be no test of coordination."""
    expected = Bound(Comparison.AT_LEAST, min(instances, _USUAL_INSTANCES))
    active = sum(handled > 0 for handled in by_instance.values())
    return Row("instances that handled contents", active, "", expected, expected, correctness=True)
