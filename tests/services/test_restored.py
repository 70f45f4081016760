"""A database that went back in time: nothing is handled on it until somebody reconciles."""

import json
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaProducer

from rollcall.outbox.lane_position import LanePosition
from rollcall_events import BatchContentProvisioningCompletedV1, ExcessContentProvisionedV1
from tests.db.events import content, failure, registration
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.services.kafka_client import KafkaClient
from tests.services.rollcall_command import RollcallCommand
from tests.services.test_startup import waits_because

_END_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_BACK = "UPDATE lane SET last_seq = 0, published_seq = 0"


async def test_a_replica_that_starts_on_it_handles_nothing_and_goes_on_once_it_is_reconciled(
    service_process: StartService,
    kafka: KafkaClient,
    kafka_bootstrap: str,
    topic_prefix: str,
    connection: Any,
    batch_id: UUID,
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        topic = f"{topic_prefix}els.relay.positions.v1"
        await producer.send_and_wait(topic, LanePosition(5).encode(), key=b"2", partition=2)
    await kafka.send(registration(batch_id, 1), content(batch_id, "text"))

    replica = service_process()
    await eventually(lambda: waits_because(replica, "lane 2: Kafka holds segment 5", "reconcile"))
    assert await connection.fetchval("SELECT count(*) FROM position") == 0

    await connection.execute("UPDATE lane SET last_seq = 5, published_seq = 5 WHERE lane = 2")
    await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)


async def test_what_was_announced_is_written_back_and_announced_no_second_time(
    service_process: StartService,
    service_environment: dict[str, str],
    kafka: KafkaClient,
    connection: Any,
    batch_id: UUID,
) -> None:
    """The database is lost with all that it held; the input is handled again, after the command."""
    replica = service_process()
    await kafka.send(registration(batch_id, 2), content(batch_id, "a"), failure(batch_id, "f"))
    (completed,) = await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    await kafka.send(content(batch_id, "late"))
    await kafka.wait_for(ExcessContentProvisionedV1, 1)
    replica.terminate()
    await replica.wait_exit()
    tables = "batch, slot, unplaced, completion, segment, lane, position, dead_letter"
    await connection.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")

    replica = service_process()
    await eventually(lambda: waits_because(replica, "restored to an earlier point", "reconcile"))
    replica.kill()
    rollcall = RollcallCommand(service_environment)
    done = json.loads(await rollcall("reconcile", "--json"))
    assert (done["batches_registered"], done["batches_completed"], done["excess"]) == (1, 1, 1)
    assert (done["slots_filled"], done["slots_failed"]) == (1, 1)
    assert "nothing to reconcile" in await rollcall("reconcile")

    await service_process().wait_ready()
    report = json.loads(await rollcall("verify", "--json"))
    assert report["violations"] == 0, report
    assert await kafka.committed(BatchContentProvisioningCompletedV1) == [completed]


async def test_a_replica_whose_database_goes_back_under_it_ends(
    service_process: StartService, kafka: KafkaClient, connection: Any, batch_id: UUID
) -> None:
    """As when a standby that lagged is promoted: all sessions end, and the next ones find less."""
    replica = service_process()
    await kafka.send(registration(batch_id, 1), content(batch_id, "text"))
    await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    await replica.wait_ready()

    async with connection.transaction():
        # Its relay moves the numbers on when it next forgets what is published.
        await connection.execute("LOCK TABLE segment, lane")
        await connection.execute(_END_SESSIONS)
        await connection.execute(_BACK)

    assert await replica.wait_exit() == 1
    (failed,) = replica.log_events("service_failed")
    assert "the database was restored to an earlier point" in failed["error"]
    assert "rollcall reconcile" in failed["error"]
