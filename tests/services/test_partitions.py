"""Partitions come and go while a replica runs."""

from uuid import UUID

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from rollcall_events import EssayContentProvisionedV1, EssaySlotAssignedV1
from tests.db.events import content, message, registration
from tests.db.evidence import Evidence
from tests.fixtures.services import StartService
from tests.services.kafka_client import KafkaClient


async def add_partition(bootstrap: str, topic: str, total: int) -> None:
    """Give a topic its `total`-th partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_partitions({topic: NewPartitions(total_count=total)})
    finally:
        await admin.close()


async def test_a_partition_added_while_running_is_read_from_its_beginning(
    service_process: StartService,
    kafka: KafkaClient,
    kafka_bootstrap: str,
    evidence: Evidence,
    batch_id: UUID,
) -> None:
    replica = service_process()
    await replica.wait_ready()
    await kafka.send(registration(batch_id, 2), content(batch_id, "before"))
    await kafka.wait_for(EssaySlotAssignedV1, 1)

    topic = kafka.topic(EssayContentProvisionedV1)
    await add_partition(kafka_bootstrap, topic, total=4)
    await kafka.wait_for_partitions(EssayContentProvisionedV1, 4)
    await kafka.send_raw(
        EssayContentProvisionedV1, message(content(batch_id, "after")), partition=3
    )

    await kafka.wait_for(EssaySlotAssignedV1, 2)
    assert await evidence.counts(batch_id) == (2, 0, 0)
    partitions = (await replica.instance())["partitions"]
    assert {"topic": topic, "partition": 3, "next_offset": 1, "lag": 0} in partitions
