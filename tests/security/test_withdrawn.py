"""Credentials are withdrawn under a replica that works: it says so, loses nothing, and goes on with them."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from rollcall_events import BatchContentProvisioningCompletedV1, EssaySlotAssignedV1
from tests.db.events import contents, registration
from tests.eventually import DEADLINE_SECONDS, eventually
from tests.fixtures.run import ServerSet
from tests.fixtures.topics import create_topics
from tests.security.authority import Authority
from tests.security.secure_kafka import SecureKafka
from tests.security.secure_postgres import PASSWORD, WITHDRAWN, SecurePostgres
from tests.security.secure_redis import RIGHTS, SecureRedis
from tests.security.secured import Secured, variables
from tests.security.ways import kafka_settings
from tests.service_process import ServiceProcess
from tests.services.exposed_metrics import metrics, sample
from tests.services.kafka_client import KafkaClient
from tests.services.rollcall_command import RollcallCommand

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:Exception ignored in.*(Transport|socket)"),
]
QUICK = {"ROLLCALL_LANE_SESSION_TIMEOUT_SECONDS": "3", "ROLLCALL_SESSION_TIMEOUT_SECONDS": "3"}
_END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
POSTGRES = {
    "password": (
        f"ALTER ROLE {WITHDRAWN} PASSWORD 'an0ther'",
        f"ALTER ROLE {WITHDRAWN} PASSWORD '{PASSWORD}'",
        "PostgreSQL refuses the password",
    ),
    "login": (
        f"ALTER ROLE {WITHDRAWN} NOLOGIN",
        f"ALTER ROLE {WITHDRAWN} LOGIN",
        "PostgreSQL does not let us in",
    ),
}


@pytest.fixture
def kafka_of_its_own(
    server_set: ServerSet, authority: Authority, tmp_path: Path
) -> Iterator[SecureKafka]:
    """A broker that this test may restart."""
    kafka = SecureKafka(tmp_path / "kafka", authority)
    kafka.start(owner_pid=server_set.owner_pid)
    yield kafka
    kafka.wipe()


async def says(replica: ServiceProcess, *words: str) -> None:
    """Return once the replica is up, not ready, and a problem has all of `words`."""

    async def told() -> bool:
        assert replica.exit_code is None, replica.story()
        instance = await replica.instance()
        found = any(all(word in problem for word in words) for problem in instance["problems"])
        return found and not instance["ready"]

    await eventually(told, message=replica.story)


async def goes_on(secured: Secured, replica: ServiceProcess, kafka: KafkaClient) -> None:
    """The batch is completed once, the replica is ready, and the audit finds nothing."""
    await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    await replica.wait_ready(2 * DEADLINE_SECONDS)
    await RollcallCommand(secured.environment)("verify", "--at-rest", "--wait-seconds", "60")


@pytest.mark.parametrize("what", POSTGRES)
async def test_postgresql_lets_the_service_in_no_more(
    secure_kafka: SecureKafka,
    secure_postgres: SecurePostgres,
    authority: Authority,
    secured: Secured,
    tmp_path: Path,
    what: str,
) -> None:
    withdraw, give_back, told = POSTGRES[what]
    own = secure_postgres.dsn(
        user=WITHDRAWN, sslmode="verify-full", sslrootcert=str(authority.ca_file)
    )
    database = urlsplit(secured.read_secret("POSTGRES_DSN")).path
    secured.write_secret("POSTGRES_DSN", urlsplit(own)._replace(path=database).geturl())
    secured.environment |= variables(kafka_settings(secure_kafka, authority, "scram 512", tmp_path))
    replica = secured.start(**QUICK)
    await replica.wait_ready()
    batch, prefix = uuid.uuid4(), secured.environment["ROLLCALL_TOPIC_PREFIX"]
    with psycopg.connect(secure_postgres.address, autocommit=True) as administrator:
        async with KafkaClient(secure_kafka.address, prefix) as kafka:
            await kafka.send(registration(batch, 3), *contents(batch, 1))
            await kafka.wait_for(EssaySlotAssignedV1, 1)
            administrator.execute(withdraw)
            try:
                administrator.execute(_END_SESSIONS, [WITHDRAWN])
                await kafka.send(*contents(batch, 2, first=1))
                await says(replica, told, "ROLLCALL_POSTGRES_DSN")
            finally:
                administrator.execute(give_back)
            await goes_on(secured, replica, kafka)
    assert replica.log_events("access_denied")
    assert PASSWORD not in replica.log


async def test_kafka_lets_the_service_in_no_more(
    kafka_of_its_own: SecureKafka, authority: Authority, secured: Secured, tmp_path: Path
) -> None:
    """The user is deleted, and the broker restarted: nobody's connection outlives that."""
    broker = kafka_of_its_own
    prefix = await create_topics(broker.address)
    secured.environment |= variables(kafka_settings(broker, authority, "scram 512", tmp_path))
    secured.environment |= {
        "ROLLCALL_TOPIC_PREFIX": prefix,
        "ROLLCALL_CONSUMER_GROUP": f"{prefix}group",
        "ROLLCALL_STALL_SECONDS": "5",
    }
    replica = secured.start(**QUICK)
    await replica.wait_ready()
    batch = uuid.uuid4()
    async with KafkaClient(broker.address, prefix) as kafka:
        await kafka.send(registration(batch, 3), *contents(batch, 1))
        await kafka.wait_for(EssaySlotAssignedV1, 1)
    await asyncio.to_thread(broker.withdraw_user)
    await asyncio.to_thread(broker.stop)
    await asyncio.to_thread(broker.start)
    await says(replica, "refuses our credentials", "ROLLCALL_KAFKA_SASL_PASSWORD")
    async with KafkaClient(broker.address, prefix) as kafka:
        await kafka.send(*contents(batch, 2, first=1))
        await asyncio.to_thread(broker.restore_user)
        await goes_on(secured, replica, kafka)
    assert replica.log_events("access_denied")


async def test_redis_lets_the_service_in_no_more(
    secure_kafka: SecureKafka,
    secure_redis: SecureRedis,
    authority: Authority,
    secured: Secured,
    tmp_path: Path,
) -> None:
    """Without Redis the service is as ready and as right as with it; its metrics tell."""
    url = secure_redis.url(user="", password="", ssl_ca_certs=authority.ca_file).replace(":@", "")
    secured.environment |= variables(kafka_settings(secure_kafka, authority, "scram 512", tmp_path))
    own = secure_redis.url(user="guest", password="w1thdrawn", ssl_ca_certs=authority.ca_file)
    secured.write_secret("REDIS_URL", own)
    is_open = sample("rollcall_filter_circuit_open")
    administrator = redis.Redis.from_url(url)
    user = ("ACL", "SETUSER", "guest")
    administrator.execute_command(*user, "on", ">w1thdrawn", *RIGHTS.split())
    replica = secured.start()
    await replica.wait_ready()
    batch, prefix = uuid.uuid4(), secured.environment["ROLLCALL_TOPIC_PREFIX"]
    async with KafkaClient(secure_kafka.address, prefix) as kafka:

        async def closed() -> bool:
            await kafka.send(*contents(uuid.uuid4(), 1))
            return (await metrics(replica.url))[is_open] == 0

        await kafka.send(registration(batch, 3), *contents(batch, 1))
        await kafka.wait_for(EssaySlotAssignedV1, 1)
        await eventually(closed, poll_seconds=1, message="the filter is used")
        administrator.execute_command(*user, "off")
        administrator.execute_command("CLIENT", "KILL", "USER", "guest")
        await kafka.send(*contents(batch, 2, first=1))
        await goes_on(secured, replica, kafka)
        assert (await metrics(replica.url))[is_open] == 1
        administrator.execute_command(*user, "on")
        await eventually(closed, poll_seconds=1, message="the filter is used again")
    administrator.close()
