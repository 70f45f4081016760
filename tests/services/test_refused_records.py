"""What stops one partition is told and stops that partition alone, in the same process."""

from typing import Any
from uuid import UUID

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    DeadLetterV1,
    EssayContentProvisionedV1,
)
from tests.auditing import assert_clean
from tests.db.events import content, contents, registration
from tests.db.evidence import Evidence
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.services.exposed_metrics import metrics, sample
from tests.services.kafka_client import KafkaClient
from tests.services.test_supervision import readiness

REFUSE_DEAD_LETTERS = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no room for dead letters'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON dead_letter FOR EACH ROW EXECUTE FUNCTION refuse();
"""


async def test_a_record_that_cannot_even_be_set_aside_stops_its_partition_alone(
    service_process: StartService,
    kafka: KafkaClient,
    connection: Any,
    service_environment: dict[str, str],
    batch_id: UUID,
) -> None:
    await connection.execute(REFUSE_DEAD_LETTERS)
    place = f"{kafka.topic(EssayContentProvisionedV1)}-1"
    await kafka.send(registration(batch_id, 3))
    await kafka.send(content(batch_id, "before"), partition=1)
    await kafka.send_raw(EssayContentProvisionedV1, b"not JSON", partition=1)
    await kafka.send(content(batch_id, "behind"), partition=1)
    replica = service_process()

    async def refused() -> bool:
        status, problems = await readiness(replica)
        return status == 503 and any(
            problem.startswith(f"{place} refused: ") and "no room for dead letters" in problem
            for problem in problems
        )

    await eventually(refused)
    await kafka.send(content(batch_id, "elsewhere"), partition=2)

    evidence = Evidence(connection)

    async def two_are_handled() -> bool:
        registered = await evidence.batch(batch_id) is not None
        return registered and await evidence.counts(batch_id) == (2, 0, 1)

    await eventually(two_are_handled)
    assert (await metrics(replica.url))[sample("rollcall_partitions_refused")] == 1
    assert [line["partition"] for line in replica.log_events("partition_refused")] == [place]
    assert replica.exit_code is None

    await connection.execute("DROP TRIGGER refuse ON dead_letter")
    replica.terminate()
    assert await replica.wait_exit() == 0
    await service_process().wait_ready()
    assert len(await kafka.wait_for(DeadLetterV1, 1)) == 1
    assert len(await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)) == 1
    await assert_clean(service_environment)


async def test_a_chunk_that_waits_for_a_lock_tells_whose_it_is(
    service_process: StartService, kafka: KafkaClient, connection: Any, batch_id: UUID
) -> None:
    await connection.execute("SET application_name = 'the culprit'")
    replica = service_process(ROLLCALL_CHUNK_STUCK_SECONDS="1")
    await replica.wait_ready()
    await kafka.send(registration(batch_id, 2))
    await eventually(lambda: Evidence(connection).batch(batch_id))
    async with connection.transaction():
        await connection.execute("SELECT FROM batch FOR UPDATE")
        await kafka.send(*contents(batch_id, 2))

        async def told() -> bool:
            status, problems = await readiness(replica)
            return status == 503 and any(
                problem.startswith("transaction stuck: ")
                and "waits for a lock of the culprit" in problem
                for problem in problems
            )

        await eventually(told)
        assert (await metrics(replica.url))[sample("rollcall_chunk_age_seconds")] > 1
    assert len(await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)) == 1
    await replica.wait_ready()
