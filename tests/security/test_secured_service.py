"""Whole replicas that come in each way, to servers that let nobody in otherwise."""

import asyncio
import uuid
from pathlib import Path

import pytest

from rollcall.exit_codes import ExitCode
from rollcall_events import BatchContentProvisioningCompletedV1
from tests.db.events import contents, message, registration
from tests.eventually import eventually
from tests.http_client import http_client
from tests.security.authority import Authority
from tests.security.secure_kafka import PASSWORD, SecureKafka
from tests.security.secure_postgres import SecurePostgres
from tests.security.secured import Secured, variables
from tests.security.ways import WAYS_IN, kafka_settings
from tests.services.kafka_client import KafkaClient
from tests.services.rollcall_command import RollcallCommand

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Exception ignored in.*(Transport|socket)"),
]


@pytest.mark.parametrize("way", WAYS_IN)
async def test_a_replica_fills_a_batch_through_each_way_in(
    secure_kafka: SecureKafka, authority: Authority, secured: Secured, tmp_path: Path, way: str
) -> None:
    """Consumer, relay, topic administration and ingest go the same way."""
    token_file = tmp_path / "token"
    await asyncio.to_thread(token_file.write_text, authority.token())
    replica = secured.start(**variables(kafka_settings(secure_kafka, authority, way, token_file)))
    await replica.wait_ready()
    batch = uuid.uuid4()

    async with KafkaClient(secure_kafka.address, secured.environment["ROLLCALL_TOPIC_PREFIX"]) as k:
        await k.send(registration(batch, 3), *contents(batch, 2))
        async with http_client() as client:
            (third,) = contents(batch, 1, first=2)
            body = b"[" + message(third) + b"]"
            answer = await client.post(f"{replica.url}/v1/events", content=body)
        assert answer.status_code == 202, answer.text
        assert len(await k.wait_for(BatchContentProvisioningCompletedV1, 1)) == 1
    assert replica.log_events("waiting") == []


async def test_every_command_goes_the_same_way(
    secure_kafka: SecureKafka, authority: Authority, secured: Secured, tmp_path: Path
) -> None:
    given = variables(kafka_settings(secure_kafka, authority, "scram 512", tmp_path))
    environment = secured.environment | given
    replica = secured.start(**given)
    await replica.wait_ready()
    rollcall = RollcallCommand(environment)
    made = ["--bootstrap-servers", given["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"], "--content-store"]

    await rollcall("generate", "--batches", "3", "--slots", "4", *made, "none")
    await rollcall("verify", "--at-rest", "--wait-seconds", "60", "--workers", "1")
    assert "0" in await rollcall("dlq", "list", "--json")
    wrong = environment | {"ROLLCALL_KAFKA_SASL_PASSWORD": "wr0ng"}
    told = await RollcallCommand(wrong)("verify", expect=2)
    assert "refuses our credentials" in told
    assert "wr0ng" not in told


@pytest.mark.parametrize("server", ["kafka", "postgres"])
async def test_a_replica_that_is_not_let_in_ends_and_says_why(
    secure_kafka: SecureKafka,
    secure_postgres: SecurePostgres,
    authority: Authority,
    secured: Secured,
    tmp_path: Path,
    server: str,
) -> None:
    given = variables(kafka_settings(secure_kafka, authority, "scram 512", tmp_path))
    if server == "kafka":
        given["ROLLCALL_KAFKA_SASL_PASSWORD"] = "wr0ng"
    else:
        secured.environment.pop("ROLLCALL_POSTGRES_DSN_FILE")
        given["ROLLCALL_POSTGRES_DSN"] = secure_postgres.dsn(password="wr0ng", sslmode="require")
    replica = secured.start(**given)

    assert await replica.wait_exit() == ExitCode.MISCONFIGURED

    (failed,) = replica.log_events("service_failed")
    words = {"kafka": "refuses our credentials", "postgres": "refuses the password"}
    assert words[server] in failed["error"]
    assert "check" in failed["error"]
    assert "wr0ng" not in replica.log
    assert PASSWORD not in replica.log


async def test_a_renewed_token_is_used_for_the_next_connection(
    secure_kafka: SecureKafka, authority: Authority, secured: Secured, tmp_path: Path
) -> None:
    token_file = tmp_path / "token"
    await asyncio.to_thread(token_file.write_text, authority.token(life_seconds=-600))
    given = variables(kafka_settings(secure_kafka, authority, "token", token_file))
    replica = secured.start(**given)
    assert await replica.wait_exit() == ExitCode.MISCONFIGURED

    await asyncio.to_thread(token_file.write_text, authority.token())
    replica = secured.start(**given)
    await replica.wait_ready()
    await eventually(lambda: replica.log_events("service_ready"), message="ready")
