"""A replica that is told to stop leaves nothing half done, however often it is told."""

import asyncio
import uuid
from typing import Any
from uuid import UUID

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
)
from tests.db.events import contents, registration
from tests.db.evidence import Evidence
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.services.kafka_client import KafkaClient

SLOTS = 400


async def send_batches(kafka: KafkaClient, batches: list[UUID]) -> None:
    """All that completes these batches."""
    await kafka.send(*(registration(batch_id, SLOTS) for batch_id in batches))
    for batch_id in batches:
        await kafka.send(*contents(batch_id, SLOTS))


async def assert_everything_happened_once(
    kafka: KafkaClient, evidence: Evidence, batches: list[UUID]
) -> None:
    """Every batch complete, every announcement made, none twice, nothing left over."""

    slots = SLOTS * len(batches)
    completed = await kafka.wait_for(BatchContentProvisioningCompletedV1, len(batches))
    assert sorted(item.batch_id for item in completed) == sorted(batches)
    assigned = await kafka.wait_for(EssaySlotAssignedV1, slots)
    places = {(item.batch_id, item.text_storage_id) for item in assigned}
    assert len(assigned) == len(places) == slots
    assert await kafka.committed(ExcessContentProvisionedV1) == []
    for batch_id in batches:
        assert await evidence.counts(batch_id) == (SLOTS, 0, 0)


async def test_sigterm_in_the_middle_of_work_flushes_what_committed_and_exits_in_time(
    service_process: StartService, kafka: KafkaClient, evidence: Evidence
) -> None:
    batches = [uuid.uuid4() for _ in range(5)]
    await send_batches(kafka, batches)
    replica = service_process("stopped", ROLLCALL_CHUNK_MAX_RECORDS="50")
    await eventually(evidence.filled_slots)

    replica.terminate()

    assert await replica.wait_exit() == 0  # one that is overdue ends with another code
    assert await evidence.published() == [], "segments were left behind"
    filled = await evidence.filled_slots()
    assert len(await kafka.wait_for(EssaySlotAssignedV1, filled)) == filled

    service_process("next")
    await assert_everything_happened_once(kafka, evidence, batches)


async def test_a_second_sigterm_ends_at_once_and_the_next_replica_completes_everything(
    service_process: StartService, kafka: KafkaClient, connection: Any, evidence: Evidence
) -> None:
    """The first signal waits for a chunk that another session holds up; the second does not."""
    batches = [uuid.uuid4()]
    replica = service_process("stuck", ROLLCALL_CHUNK_MAX_RECORDS="50")
    await kafka.send(registration(batches[0], SLOTS))
    await eventually(lambda: evidence.batch(batches[0]))
    async with connection.transaction():
        await connection.execute("SELECT FROM batch FOR UPDATE")
        await kafka.send(*contents(batches[0], SLOTS))
        await eventually(evidence.waiting_for_locks)
        replica.terminate()
        await eventually(lambda: replica.log_events("service_stopping"))

        replica.terminate()
        assert await replica.wait_exit() == 128 + 15

    service_process("next")
    await assert_everything_happened_once(kafka, evidence, batches)


async def test_a_chunk_that_cannot_finish_does_not_keep_a_replica_from_stopping(
    service_process: StartService, kafka: KafkaClient, connection: Any, evidence: Evidence
) -> None:
    batches = [uuid.uuid4()]
    replica = service_process("stuck")
    await kafka.send(registration(batches[0], SLOTS))
    await eventually(lambda: evidence.batch(batches[0]))
    async with connection.transaction():
        await connection.execute("SELECT FROM batch FOR UPDATE")
        await kafka.send(*contents(batches[0], SLOTS))
        await eventually(evidence.waiting_for_locks)
        replica.terminate()
        assert await replica.wait_exit() == 0

    service_process("next")
    await assert_everything_happened_once(kafka, evidence, batches)


async def test_a_replica_that_was_told_to_stop_hands_over_without_waiting_for_timeouts(
    service_process: StartService, kafka: KafkaClient, evidence: Evidence
) -> None:
    """It leaves the group and signs off: the other owns all partitions and lanes soon after."""
    first, second = service_process("first"), service_process("second")
    await asyncio.gather(first.wait_ready(), second.wait_ready())
    first.terminate()
    assert await first.wait_exit() == 0

    async def owns_everything() -> bool:
        instance = await second.instance()
        return (len(instance["partitions"]), len(instance["lanes"])) == (9, 4)

    await eventually(owns_everything)
