"""A replica that lacks something says what, waits for it, and goes on by itself."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from essay_lifecycle_service import migrations_folders
from rollcall.database.migrations import migrate
from rollcall.database.schema_version import known_migrations
from rollcall_events import BatchContentProvisioningCompletedV1
from tests.db.events import content, registration
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.http_client import http_client
from tests.service_process import ServiceProcess
from tests.services.first_contact import first_contact_only
from tests.services.kafka_client import KafkaClient


async def command(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Run a one-shot command of the service; returns its exit code and all it wrote."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "essay_lifecycle_service",
        *arguments,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def waits_because(replica: ServiceProcess, *words: str) -> list[dict[str, Any]]:
    """Log lines that say what the replica waits for, holding all of `words`."""
    return [
        line
        for line in replica.log_events("waiting")
        if all(word in line["because"] for word in words)
    ]


async def status(replica: ServiceProcess, path: str) -> int:
    """Status code of a GET."""
    async with http_client() as client:
        return (await client.get(replica.url + path)).status_code


async def test_a_replica_without_topics_waits_for_them_and_goes_on_once_they_exist(
    service_process: StartService,
    service_environment: dict[str, str],
    kafka_bootstrap: str,
    topic_prefix: str,
    batch_id: UUID,
) -> None:
    prefix = f"{topic_prefix}late."
    replica = service_process(forked=False, ROLLCALL_TOPIC_PREFIX=prefix)
    await eventually(
        lambda: waits_because(replica, f"{prefix}batch.essays.registered.v1", "'topics' command")
    )
    assert (await status(replica, "/healthz/live"), await status(replica, "/healthz/ready")) == (
        200,
        503,
    )

    code, output = await command(
        service_environment | {"ROLLCALL_TOPIC_PREFIX": prefix}, "topics", "--partitions", "2"
    )
    assert code == 0, output
    await replica.wait_ready()

    async with KafkaClient(kafka_bootstrap, prefix) as kafka:
        await kafka.send(registration(batch_id, 1), content(batch_id, "text"))
        assert await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)


async def test_a_replica_on_an_empty_database_tells_to_migrate_and_goes_on_once_it_is(
    service_process: StartService, service_environment: dict[str, str], empty_database: str
) -> None:
    own = {"ROLLCALL_POSTGRES_DSN": empty_database}
    replica = service_process(forked=False, **own)
    await eventually(lambda: waits_because(replica, "run the service's 'migrate' command"))

    code, output = await command(service_environment | own, "migrate")

    applied = sorted(known_migrations(migrations_folders()))
    assert (code, output) == (0, "".join(f"applied {name}\n" for name in applied))
    await replica.wait_ready()


async def test_a_replica_of_an_older_release_ends_on_a_newer_schema(
    service_process: StartService, empty_database: str, tmp_path: Path
) -> None:
    """Waiting would not help: it says so and exits."""
    (tmp_path / "9001_future.sql").write_text("CREATE TABLE future (id int PRIMARY KEY);")
    migrate(empty_database, "els", (*migrations_folders(), tmp_path))
    replica = service_process(ROLLCALL_POSTGRES_DSN=empty_database)

    assert await replica.wait_exit() == 1

    (failed,) = replica.log_events("service_failed")
    assert "9001_future" in failed["error"]
    assert "run a newer release" in failed["error"]


async def test_a_replica_that_waits_obeys_sigterm(
    service_process: StartService, topic_prefix: str
) -> None:
    replica = service_process(ROLLCALL_TOPIC_PREFIX=f"{topic_prefix}never.")
    await eventually(lambda: waits_because(replica, "missing topics"))
    replica.terminate()
    assert await replica.wait_exit() == 0


async def test_a_replica_that_lost_kafka_while_starting_says_so_and_obeys_sigterm(
    service_process: StartService, kafka_bootstrap: str
) -> None:
    """It saw its topics; when it asked further, nobody answered."""
    async with first_contact_only(kafka_bootstrap) as address:
        replica = service_process(ROLLCALL_KAFKA_BOOTSTRAP_SERVERS=address)
        await eventually(
            lambda: [
                line
                for line in replica.log_events("waiting")
                if line["what"] in ("lanes that agree with Kafka", "Kafka")
            ]
        )
        replica.terminate()
        assert await replica.wait_exit() == 0
