"""Topics are deleted under real replicas and made again: the steps of docs/operations.md, "Disaster". Long."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from rollcall_cluster.auditor import AuditOptions, verify
from rollcall_cluster.generator import PROFILES, Plan
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
    EventData,
)
from rollcall_events.topics import TOPICS, topic_for
from tests.auditing import assert_clean, audit, target_of
from tests.cluster.load import under_load
from tests.eventually import DEADLINE_SECONDS, eventually
from tests.fixtures.services import StartService
from tests.fixtures.topics import PARTITIONS
from tests.service_process import ServiceProcess
from tests.services.kafka_client import KafkaClient
from tests.services.rollcall_command import RollcallCommand
from tests.services.test_startup import command

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

LOAD = Plan(**PROFILES["mixed"], seed=29, batches=40, slots=60, rate=600.0)
MORE = replace(LOAD, seed=31, batches=6)
RECORDS = 3000
"""About so many does LOAD send."""
POSITIONS = "els.relay.positions.v1"
REST_SECONDS = 3 * DEADLINE_SECONDS

GONE = {
    "slot-not-announced",
    "excess-not-announced",
    "completion-not-announced",
    "dead-letter-not-announced",
}
"""What may be wrong where announcements were lost."""

Environment = dict[str, str]


async def lose(environment: Mapping[str, str], *names: str) -> None:
    """Delete topics, with all that is in them."""
    topics = [environment["ROLLCALL_TOPIC_PREFIX"] + name for name in names]
    bootstrap = environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics(topics)

        async def gone() -> bool:
            return not set(topics) & set(await admin.list_topics())

        await eventually(gone, message=f"{topics} are gone")
    finally:
        await admin.close()


async def make_again(environment: Environment) -> None:
    """`essay-lifecycle-service topics`, until the broker has forgotten the old ones."""

    told = ""

    async def made() -> bool:
        nonlocal told
        code, told = await command(environment, "topics", "--partitions", str(PARTITIONS))
        return code == 0

    await eventually(made, poll_seconds=1, message=lambda: f"topics are made; {told}")


async def ready_replicas(service_process: StartService, names: str) -> list[ServiceProcess]:
    """Replicas that are ready."""
    replicas = [service_process(name) for name in names]
    await asyncio.gather(*(replica.wait_ready(2 * DEADLINE_SECONDS) for replica in replicas))
    return replicas


async def stop(replicas: list[ServiceProcess]) -> None:
    """SIGTERM, and their ends."""
    for replica in replicas:
        replica.terminate()
    await asyncio.gather(*(replica.wait_exit() for replica in replicas))


def kafka_of(environment: Environment) -> KafkaClient:
    """A client of the test's topics."""
    return KafkaClient(
        environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"], environment["ROLLCALL_TOPIC_PREFIX"]
    )


def name_of(model: type[EventData]) -> str:
    """Of its topic, without prefix."""
    return topic_for(model).name


def fetched(environment: Environment, query: str) -> list[Any]:
    """Rows of the service's database."""
    with psycopg.connect(environment["ROLLCALL_POSTGRES_DSN"]) as connection:
        connection.execute("SET search_path TO els")
        return connection.execute(query).fetchall()


async def state_the_loss(rollcall: RollcallCommand, topic: str) -> list[int]:
    """Reset every partition whose position is beyond its log; returns their numbers."""

    async def refused() -> list[int]:
        shown = await json_of(rollcall, "position", "show", topic)
        return [one["partition"] for one in shown if one["loss"] == "recreated"]

    found = await eventually(refused, message=f"{topic}: positions beyond the new log")
    for number in found:
        reset = ("position", "reset", topic, "--partition", str(number))
        await rollcall(*reset, "--accept-loss", "recreated")
    return found


async def json_of(rollcall: RollcallCommand, *arguments: str) -> Any:
    """What a command prints; the client may have warned of a topic that is gone before."""
    lines = (await rollcall(*arguments, "--json")).splitlines()
    start = next(number for number, line in enumerate(lines) if line in ("{", "["))
    return json.loads("\n".join(lines[start:]))


async def test_lane_positions_that_were_lost_are_found_in_the_output(
    service_environment: Environment, service_process: StartService
) -> None:
    """Lanes that nobody knows the positions of publish nothing, until they are written anew."""
    replicas = await ready_replicas(service_process, "ab")
    async with under_load(service_environment, LOAD) as reached:
        await reached(RECORDS // 3)
        await lose(service_environment, POSITIONS)
        await reached(RECORDS * 2 // 3)
        # An owner that outlives the topic's absence writes its position again: here, none does.
        await stop(replicas)
        await make_again(service_environment)
        replica = await refusing_replica(service_process, "c")
    await stop([replica])
    assert await violated_meanwhile(service_environment) == {"lane-behind-database"}

    rollcall = RollcallCommand(service_environment)
    planned = await json_of(rollcall, "reconcile", "--dry-run")
    done = await json_of(rollcall, "reconcile")
    assert {**done, "dry_run": True} == planned
    assert done["lane_positions"]
    assert done["lanes"] == {}
    again = await json_of(rollcall, "reconcile")
    assert again["lane_positions"] == {}

    await ready_replicas(service_process, "de")
    await assert_clean(service_environment, wait_seconds=REST_SECONDS)


async def violated_meanwhile(environment: Environment) -> frozenset[str]:
    """What an audit finds that does not wait for rest."""
    return (await verify(target_of(environment), AuditOptions(wait=False))).violated_codes


async def refusing_replica(service_process: StartService, name: str) -> ServiceProcess:
    """A replica that owns lanes which it must not publish."""
    replica = service_process(name)
    await eventually(
        lambda: [
            line
            for line in replica.log_events("lane_refused")
            if "the topic was lost or recreated" in line["error"]
        ],
        message=replica.story,
    )
    return replica


async def test_an_input_topic_that_was_lost_goes_on_once_the_loss_is_stated(
    service_environment: Environment, service_process: StartService
) -> None:
    """What was handled of it is recognised, what was not is gone, what comes later takes effect."""
    topic = name_of(EssayContentProvisionedV1)
    rollcall = RollcallCommand(service_environment)
    replicas = await ready_replicas(service_process, "ab")
    async with under_load(service_environment, LOAD) as reached:
        await reached(RECORDS // 2)
        await rollcall("topic", "pause", topic, "--reason", "so that some of it waits")
    await lose(service_environment, topic)
    await make_again(service_environment)
    await rollcall("topic", "resume", topic)

    partitions = await state_the_loss(rollcall, topic)
    assert len(partitions) == PARTITIONS
    async with under_load(service_environment, MORE):
        pass
    await asyncio.gather(*(replica.wait_ready(2 * DEADLINE_SECONDS) for replica in replicas))
    await assert_clean(service_environment, wait_seconds=REST_SECONDS)


@pytest.mark.parametrize(
    ("model", "code", "rows"),
    [
        (EssaySlotAssignedV1, "slot-not-announced", "slot WHERE state = 'filled'"),
        (BatchContentProvisioningCompletedV1, "completion-not-announced", "completion"),
    ],
)
async def test_an_output_topic_that_was_lost_is_written_to_again(
    service_environment: Environment,
    service_process: StartService,
    model: type[EventData],
    code: str,
    rows: str,
) -> None:
    """The audit says what is gone of it, and nothing else; consumers get it by a replay."""
    replicas = await ready_replicas(service_process, "ab")
    async with under_load(service_environment, LOAD) as reached:
        await reached(RECORDS // 3)
        async with kafka_of(service_environment) as kafka:
            await kafka.wait_for(model, 1)
        await lose(service_environment, name_of(model))
        await reached(RECORDS * 2 // 3)
        await make_again(service_environment)
    await asyncio.gather(*(replica.wait_ready(2 * DEADLINE_SECONDS) for replica in replicas))
    report = await audit(service_environment, wait_seconds=REST_SECONDS)

    ((all_of_them,),) = fetched(service_environment, f"SELECT count(*) FROM {rows}")
    async with kafka_of(service_environment) as kafka:
        left = len(await kafka.committed(model))
        gone = {check.code: check.violations for check in report.checks if check.violations}
        assert gone == {code: all_of_them - left}
        assert left > 0

        ((batch_id,),) = fetched(
            service_environment,
            "SELECT batch_id FROM completion ORDER BY completed_at, batch_id LIMIT 1",
        )
        await RollcallCommand(service_environment)("batch", "replay", str(batch_id))

        async def told_again() -> bool:
            return batch_id in {event.batch_id for event in await kafka.committed(model)}

        await eventually(told_again, message=f"{batch_id} told again")


async def test_with_all_of_kafka_lost_the_database_goes_on(
    service_environment: Environment, service_process: StartService
) -> None:
    """What had been announced is gone, and nothing else is wrong; what comes later is announced."""
    rollcall = RollcallCommand(service_environment)
    replicas = await ready_replicas(service_process, "ab")
    async with under_load(service_environment, MORE):
        pass
    await assert_clean(service_environment)
    await stop(replicas)
    await lose(service_environment, *(topic.name for topic in TOPICS))
    await make_again(service_environment)

    published = dict(fetched(service_environment, "SELECT lane, published_seq FROM lane"))
    done = await json_of(rollcall, "reconcile")
    assert done["lane_positions"] == {str(lane): seq for lane, seq in published.items() if seq}
    replicas = [service_process(name) for name in "cd"]
    for topic in TOPICS:
        if topic.direction == "in":
            await state_the_loss(rollcall, topic.name)
    async with under_load(service_environment, replace(MORE, seed=37)):
        pass
    await asyncio.gather(*(replica.wait_ready(2 * DEADLINE_SECONDS) for replica in replicas))
    report = await audit(service_environment, wait_seconds=REST_SECONDS)
    assert report.violated_codes <= GONE, report.model_dump_json(indent=1)
