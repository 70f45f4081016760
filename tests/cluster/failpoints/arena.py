"""A deployment on which replicas die one after the other, while an ordinary one stays."""

import itertools
import os
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall.dead_letters.operations import DeadLetters
from rollcall.topology import Topology
from rollcall_cluster.embedded import EmbeddedServers
from rollcall_cluster.failpoints import Trigger
from rollcall_cluster.generator import PROFILES, Plan, generate
from rollcall_events import DeadlinePolicy, EventData
from rollcall_events.topics import TOPICS
from tests.auditing import audit
from tests.db.connected import connected
from tests.db.events import content, contents, registration
from tests.eventually import eventually
from tests.fixtures.database import SCHEMA
from tests.fixtures.services import service_variables
from tests.fixtures.topics import PARTITIONS, create_topics
from tests.forked import fork_armed_service
from tests.service_process import ServiceProcess
from tests.services.kafka_client import KafkaClient

# Short, so that what a dead or stopped replica owned is soon somebody else's.
_TIMES = {
    "ROLLCALL_SESSION_TIMEOUT_SECONDS": "1",
    "ROLLCALL_LANE_SESSION_TIMEOUT_SECONDS": "3",
    "ROLLCALL_TRANSACTION_TIMEOUT_SECONDS": "10",
    "ROLLCALL_SWEEP_SECONDS": "0.5",
    "ROLLCALL_DEAD_LETTER_MAX_SHARE": "1",
}
_INPUT_PARTITIONS = 3 * PARTITIONS
_LANES = {0, 1, 2, 3}
# The database refuses these contents, which decode: the one way to poison a chunk from outside.
POISON = "poison"
_REFUSE_POISON = f"""
ALTER TABLE els.slot ADD CHECK (text_storage_id NOT LIKE '{POISON}%');
ALTER TABLE els.unplaced ADD CHECK (identity NOT LIKE '{POISON}%');
"""

_LAST_SLOTS = "SELECT FROM slot WHERE batch_id = ANY($1::uuid[]) AND position = 2"
_DELETE_LAST_SLOTS = (
    "DELETE FROM slot WHERE batch_id = ANY($1::uuid[]) AND position = 2 RETURNING batch_id"
)


class Arena:
    """Database, topics and group of one deployment, and its replicas.

    In doubt from the moment that a replica starts until `assert_unharmed` has returned.
    """

    def __init__(self, environment: dict[str, str], directory: Path) -> None:
        self.environment = environment
        self.in_doubt = False
        self._directory = directory
        self._started: list[ServiceProcess] = []
        self._ordinary: ServiceProcess | None = None
        self._seeds = itertools.count(1)

    @classmethod
    async def create(cls, servers: EmbeddedServers, database: str, directory: Path) -> "Arena":
        """Make topics for a migrated database that nobody else uses."""
        connection = await asyncpg.connect(database)
        await connection.execute(_REFUSE_POISON)
        await connection.close()
        prefix = await create_topics(servers.kafka.address)
        return cls(service_variables(database, prefix, servers) | _TIMES, directory)

    def start(self, name: str, *triggers: Trigger, **overrides: str) -> ServiceProcess:
        """Start a replica, armed with triggers if there are any."""
        self.in_doubt = True
        number = len(self._started)
        replica = ServiceProcess(
            f"{name}-{number}",
            environment=self.variables(overrides),
            log_file=self._directory / f"{name}-{number}.log",
            start=partial(fork_armed_service, triggers),
        )
        self._started.append(replica)
        return replica

    def variables(self, overrides: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of a process of this deployment."""
        return {**os.environ, **self.environment, **overrides}

    async def ordinary(self) -> ServiceProcess:
        """The replica that stays, ready."""
        if self._ordinary is None:
            self._ordinary = self.start("ordinary")
        await self._ordinary.wait_ready()
        return self._ordinary

    async def dismiss_ordinary(self) -> None:
        """Stop the ordinary replica cleanly, if there is one; `ordinary` starts another."""
        replica, self._ordinary = self._ordinary, None
        if replica is not None:
            replica.terminate()
            assert await replica.wait_exit() == 0, replica.log

    async def feed(self, **changes: object) -> None:
        """Send a few hundred records of every kind, of batches of their own."""
        plan = Plan(**_LOAD | {"seed": self._seed()} | changes)
        bootstrap = self.environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"]
        prefix = self.environment["ROLLCALL_TOPIC_PREFIX"]
        await generate(plan, bootstrap, topic_prefix=prefix)

    async def feed_poison(self) -> None:
        """Send a batch in every partition that has contents which the database refuses."""
        async with self.kafka() as kafka:
            for partition in range(PARTITIONS):
                batch_id = uuid.uuid4()
                texts = ["first", f"{POISON}-1", "second", f"{POISON}-2", "third"]
                await kafka.send(registration(batch_id, 3))
                await kafka.send(*(content(batch_id, t) for t in texts), partition=partition)

    async def feed_due(self) -> None:
        """Send batches that miss a content when their deadline, a second from now, passes."""
        async with self.kafka() as kafka:
            for policy in 4 * list(DeadlinePolicy):
                batch_id = uuid.uuid4()
                deadline = {"readiness_deadline_seconds": 1, "deadline_policy": policy}
                await kafka.send(registration(batch_id, 3, **deadline), *contents(batch_id, 2))

    async def feed_half_registered(self) -> None:
        """Register a batch in every partition, delete a slot of each, and register all again."""
        batch_ids = [uuid.uuid4() for _ in range(PARTITIONS)]
        registered = [registration(batch_id, 3) for batch_id in batch_ids]
        async with self.kafka() as kafka, self._database() as connection:

            async def slots(statement: str) -> bool:
                return len(await connection.fetch(statement, batch_ids)) == PARTITIONS

            await _send_each(kafka, registered)
            await eventually(lambda: slots(_LAST_SLOTS), message="registered batches")
            assert await slots(_DELETE_LAST_SLOTS)
            await _send_each(kafka, registered)

    async def feed_purgeable(self, *, late: bool) -> None:
        """See that a batch has ended and is not purged, or that one is and content came for it since."""
        batch_id = uuid.uuid4()
        async with self.kafka() as kafka, self._database() as connection:

            async def there_is(condition: str) -> bool:
                return await connection.fetchval(f"SELECT EXISTS (SELECT FROM {condition})")

            if not late:
                await kafka.send(registration(batch_id, 1), *contents(batch_id, 2))
                await eventually(
                    lambda: there_is("batch WHERE state <> 'open' AND purged_at IS NULL")
                )
                return
            purged = await connection.fetchval(
                "SELECT batch_id FROM batch WHERE purged_at IS NOT NULL"
            )
            await kafka.send(content(purged, f"late-{batch_id}"))
            await eventually(lambda: there_is(f"unplaced WHERE batch_id = '{purged}'"))

    @asynccontextmanager
    async def dead_letters(self) -> AsyncIterator[DeadLetters]:
        """What an operator does with dead letters."""
        group, prefix = (
            self.environment[f"ROLLCALL_{name}"] for name in ("CONSUMER_GROUP", "TOPIC_PREFIX")
        )
        async with self._database() as connection:
            yield DeadLetters(connection, Topology(TOPICS), group, prefix)

    def _database(self) -> AbstractAsyncContextManager[Any]:
        return connected(self.environment["ROLLCALL_POSTGRES_DSN"], SCHEMA)

    def kafka(self) -> KafkaClient:
        """A client of the arena's topics."""
        return KafkaClient(
            self.environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"],
            self.environment["ROLLCALL_TOPIC_PREFIX"],
        )

    async def wait_until_owned_by(self, replica: ServiceProcess) -> None:
        """Return once every partition and lane is one replica's."""

        async def owns() -> bool:
            instance = await replica.instance()
            partitions, lanes = instance["partitions"], set(instance["lanes"])
            return len(partitions) == _INPUT_PARTITIONS and lanes == _LANES

        await eventually(owns, message=f"{replica.instance_id} owns everything")

    async def assert_unharmed(self) -> None:
        """Come to rest, with every invariant kept."""
        self.in_doubt = True
        report = await audit(self.environment)
        assert report.ok, f"{await self._open_transactions()}\n{report.model_dump_json(indent=1)}"
        assert self._ordinary is None or self._ordinary.exit_code is None
        self.in_doubt = False

    async def _open_transactions(self) -> str:
        """Output partitions whose readers do not get as far as their writers: transactions without end."""
        prefix = self.environment["ROLLCALL_TOPIC_PREFIX"]
        bootstrap = self.environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"]
        ends: list[dict[TopicPartition, int]] = []
        for isolation in ("read_uncommitted", "read_committed"):
            async with AIOKafkaConsumer(
                bootstrap_servers=bootstrap, isolation_level=isolation
            ) as consumer:
                topics = {topic for topic in await consumer.topics() if topic.startswith(prefix)}
                partitions = [
                    TopicPartition(topic, number)
                    for topic in topics
                    for number in consumer.partitions_for_topic(topic) or ()
                ]
                ends.append(await consumer.end_offsets(partitions))
        written, stable = ends
        behind = [f"{p}: {stable[p]} of {written[p]}" for p in written if stable[p] < written[p]]
        return f"open transactions: {', '.join(behind) or 'none'}"

    def close(self) -> None:
        """Kill what runs."""
        for replica in self._started:
            replica.kill()

    def _seed(self) -> int:
        return os.getpid() * 1000 + next(self._seeds)


_LOAD = PROFILES["mixed"] | {
    "batches": 24,
    "slots": 8,
    "skew": 0.0,
    "early": 0.3,
    "excess": 0.1,
    "malformed": 0.05,
}


async def _send_each(kafka: KafkaClient, events: Sequence[EventData]) -> None:
    for partition, event in enumerate(events):
        await kafka.send(event, partition=partition)


async def wait_stopped(replica: ServiceProcess) -> None:
    """Return once the kernel has stopped a replica that said it would stop."""
    await eventually(
        lambda: psutil.Process(replica.pid).status() == psutil.STATUS_STOPPED,
        message=f"{replica.instance_id} is stopped",
    )
