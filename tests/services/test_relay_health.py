"""The relay of a real replica tells what stands still, and goes on when it can."""

import uuid
from typing import Any
from uuid import UUID

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from rollcall.outbox.event import lane_of
from rollcall_events import BatchContentProvisioningCompletedV1
from tests.auditing import assert_clean
from tests.db.events import contents, registration
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.services.exposed_metrics import metrics, sample
from tests.services.kafka_client import KafkaClient
from tests.services.test_supervision import readiness

LANES = 4
LARGE, SMALL = 200, 1


def batches_of_two_lanes() -> tuple[UUID, UUID]:
    """Two batches whose events never share a lane."""
    first = uuid.uuid4()
    while True:
        second = uuid.uuid4()
        if lane(first) != lane(second):
            return first, second


def lane(batch_id: UUID) -> int:
    """The lane of a batch's events."""
    return lane_of(str(batch_id).encode(), LANES)


async def limit_messages(bootstrap: str, topic: str, limit_bytes: int) -> None:
    """Change max.message.bytes of a topic, and wait until the broker goes by it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    name, value = "max.message.bytes", str(limit_bytes)

    async def is_changed() -> bool:
        asked = ConfigResource(ConfigResourceType.TOPIC, topic, configs={name: None})
        (answer,) = await admin.describe_configs([asked])
        ((_, _, _, _, entries),) = answer.resources
        return (name, value) in [tuple(entry[:2]) for entry in entries]

    try:
        changed = ConfigResource(ConfigResourceType.TOPIC, topic, configs={name: value})
        (answer,) = await admin.alter_configs([changed])
        assert [error for error, *_ in answer.resources] == [0], answer
        await eventually(is_changed)
    finally:
        await admin.close()


async def test_a_segment_that_kafka_refuses_holds_up_its_lane_alone_until_the_cause_is_gone(
    service_process: StartService,
    kafka: KafkaClient,
    kafka_bootstrap: str,
    service_environment: dict[str, str],
) -> None:
    topic = kafka.topic(BatchContentProvisioningCompletedV1)
    await limit_messages(kafka_bootstrap, topic, 4000)
    held, free = batches_of_two_lanes()
    replica = service_process()
    await replica.wait_ready()
    await kafka.send(registration(held, LARGE), *contents(held, LARGE))

    async def refused() -> bool:
        status, problems = await readiness(replica)
        return status == 503 and any(p.startswith(f"lane {lane(held)} refused: ") for p in problems)

    await eventually(refused)
    (told,) = replica.log_events("lane_refused")
    assert (told["level"], told["lane"]) == ("critical", lane(held))
    assert f"segment {lane(held)}:{told['segment']} cannot be published" in told["error"]
    assert "max.message.bytes" in told["error"]

    await kafka.send(registration(free, SMALL), *contents(free, SMALL))
    (completed,) = await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    assert completed.batch_id == free

    await limit_messages(kafka_bootstrap, topic, 4 * 2**20)
    assert len(await kafka.wait_for(BatchContentProvisioningCompletedV1, 2)) == 2
    await replica.wait_ready()
    assert len(replica.log_events("lane_refused")) == 1
    await assert_clean(service_environment)


async def test_a_lane_that_is_behind_tells_how_old_its_oldest_segment_is(
    service_process: StartService, kafka: KafkaClient, connection: Any, kafka_bootstrap: str
) -> None:
    topic = kafka.topic(BatchContentProvisioningCompletedV1)
    await limit_messages(kafka_bootstrap, topic, 4000)
    batch_id = uuid.uuid4()
    replica = service_process(ROLLCALL_RELAY_BEHIND_SECONDS="1")
    await replica.wait_ready()
    await kafka.send(registration(batch_id, LARGE), *contents(batch_id, LARGE))

    async def behind() -> bool:
        _, problems = await readiness(replica)
        return any(
            problem.startswith(f"relay behind: lane {lane(batch_id)}, oldest segment ")
            for problem in problems
        )

    await eventually(behind)
    gauge = sample("rollcall_relay_oldest_segment_seconds", lane=str(lane(batch_id)))
    assert (await metrics(replica.url))[gauge] > 1


async def test_a_beat_that_the_database_does_not_take_is_a_problem(
    service_process: StartService, connection: Any
) -> None:
    replica = service_process()
    await replica.wait_ready()
    async with connection.transaction():
        await connection.execute("LOCK TABLE instance")

        async def silent() -> bool:
            _, problems = await readiness(replica)
            return any(problem.startswith("heartbeat missing: ") for problem in problems)

        await eventually(silent)
    await replica.wait_ready()


async def test_a_lane_that_nobody_owns_is_a_problem(
    service_process: StartService, connection: Any
) -> None:
    """Added behind the back of a replica, which counts the lanes when it connects."""
    replica = service_process(ROLLCALL_RELAY_BEHIND_SECONDS="1")
    await replica.wait_ready()
    await connection.execute("INSERT INTO lane VALUES (4)")

    async def ownerless() -> bool:
        _, problems = await readiness(replica)
        return any(problem.startswith("lane 4 has had no owner for ") for problem in problems)

    await eventually(ownerless)
