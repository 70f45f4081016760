"""One real replica over HTTP: health, metrics, itself, and what it knows of batches."""

from typing import Any
from uuid import UUID

from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall_events import BatchContentProvisioningCompletedV1, EssayContentProvisionedV1
from tests.db.events import content, essay_id, registration
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.http_client import http_client
from tests.services.exposed_metrics import metrics, sample
from tests.services.kafka_client import KafkaClient

POOL_SIZE = EssayLifecycleSettings.model_fields["database_pool_size"].default


async def open_connections(connection: Any, instance: str) -> int:
    """Connections of an instance's pool, as the server counts them."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE $1"
    return await connection.fetchval(asked, f"%:{instance}:chunks")


async def test_a_running_replica_tells_that_it_is_ready_and_what_it_owns(
    service_process: StartService, connection: Any
) -> None:
    replica = service_process("first")
    await replica.wait_ready()
    assert await open_connections(connection, "first") == POOL_SIZE, "warm before it is ready"
    async with http_client(base_url=replica.url) as client:
        assert (await client.get("/healthz/live")).json() == {"status": "alive"}
        assert (await client.get("/healthz/ready")).json() == {
            "status": "ready",
            "problems": [],
            "notices": [],
        }

    async def owns_everything() -> bool:
        instance = await replica.instance()
        return (len(instance["partitions"]), instance["lanes"]) == (9, [0, 1, 2, 3])

    await eventually(owns_everything)
    instance = await replica.instance()
    assert (instance["instance_id"], instance["pid"]) == ("first", replica.pid)
    assert (instance["ready"], instance["problems"], instance["lag"]) == (True, [], 0)


async def test_metrics_count_what_was_handled(
    service_process: StartService, kafka: KafkaClient, batch_id: UUID
) -> None:
    await kafka.send(registration(batch_id, 3), *(content(batch_id, text) for text in "aba"))
    await kafka.send_raw(EssayContentProvisionedV1, b"not JSON", partition=0)
    replica = service_process()

    topic = kafka.topic(EssayContentProvisionedV1)
    handled = sample("rollcall_records_total", topic=topic, outcome="handled")
    rejected = sample("rollcall_records_total", topic=topic, outcome="rejected")
    await replica.wait_ready()

    async def counted() -> bool:
        found = await metrics(replica.url)
        return (found.get(handled), found.get(rejected)) == (3, 1)

    await eventually(counted)
    found = await metrics(replica.url)
    assert found[sample("rollcall_ready")] == 1
    assert found[sample("rollcall_partitions_owned")] == 9
    assert found[sample("rollcall_events_total")] == 3  # two slots and a dead letter
    chunks = sample("rollcall_operation_seconds_count", operation="chunk", outcome="success")
    assert found[chunks] >= 1
    assert found[sample("rollcall_filter_circuit_open")] == 0  # Redis is configured

    async def every_lane_has_an_owner() -> bool:
        found = await metrics(replica.url)
        return found[sample("rollcall_lanes_without_owner")] == 0

    await eventually(every_lane_has_an_owner)


async def test_the_read_api_follows_a_batch_to_its_completion(
    service_process: StartService, kafka: KafkaClient, batch_id: UUID
) -> None:
    replica = service_process()
    await replica.wait_ready()
    async with http_client(base_url=replica.url) as client:
        unknown = await client.get(f"/v1/batches/{batch_id}")
        malformed = await client.get("/v1/batches/17")
        await kafka.send(registration(batch_id, 2), *(content(batch_id, text) for text in "ab"))
        await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
        batch = (await client.get(f"/v1/batches/{batch_id}")).json()
        page = (await client.get(f"/v1/batches/{batch_id}/essays?limit=1")).json()
        essay = (await client.get(f"/v1/essays/{batch_id}/{essay_id(1)}")).json()

    for answer, expected in [(unknown, 404), (malformed, 422)]:
        assert answer.status_code == expected
        assert answer.headers["content-type"] == "application/problem+json"
    assert (batch["state"], batch["filled_count"], batch["open_count"]) == ("completed", 2, 0)
    assert ([item["position"] for item in page["essays"]], page["next_after"]) == ([0], 0)
    assert (essay["state"], essay["position"]) == ("filled", 1)
