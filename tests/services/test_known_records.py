"""The filter in a real replica: duplicates are left out, and without Redis nothing changes."""

from pathlib import Path
from uuid import UUID

from rollcall_cluster.embedded.redis import EmbeddedRedis
from rollcall_events import EssayContentProvisionedV1, EssaySlotAssignedV1
from tests.auditing import assert_clean
from tests.db.events import contents, message, registration
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.services.exposed_metrics import metrics, sample
from tests.services.kafka_client import KafkaClient


async def test_a_replica_leaves_duplicates_out_and_goes_on_when_redis_dies(
    service_process: StartService,
    service_environment: dict[str, str],
    kafka: KafkaClient,
    batch_id: UUID,
    tmp_path: Path,
) -> None:
    """Contents come until they are left out, and once more when Redis is killed. The audit agrees."""
    redis = EmbeddedRedis(tmp_path / "redis")
    redis.start()
    try:
        replica = service_process(
            ROLLCALL_FILTER_ENABLED="true",
            ROLLCALL_FILTER_BUDGET_SECONDS="2",
            ROLLCALL_REDIS_URL=redis.address,
        )
        await replica.wait_ready()
        await kafka.send(registration(batch_id, 60))
        records = [message(each) for each in contents(batch_id, 40)]

        async def send() -> None:
            for record in records:
                await kafka.send_raw(EssayContentProvisionedV1, record, partition=0)

        await send()
        await kafka.wait_for(EssaySlotAssignedV1, 40)

        async def left_out() -> bool:
            # Again and again: what comes within a second of a slow answer is neither looked up nor marked.
            await send()
            return (await metrics(replica.url)).get(sample("rollcall_filter_hits_total"), 0) > 0

        await eventually(left_out, message="duplicates are left out")
        answered = sample("rollcall_redis_seconds_count", operation="look_up", outcome="answered")
        assert (await metrics(replica.url))[answered] > 0
        redis.kill()
        await send()
        await kafka.send(*contents(batch_id, 20, first=40))
        await kafka.wait_for(EssaySlotAssignedV1, 60)
    finally:
        redis.wipe()
    await assert_clean(service_environment)
