"""Creates the topics of the registry and checks a running cluster against it."""

import asyncio
from collections.abc import Collection
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from rollcall import failpoints
from rollcall.access.kafka import kafka_options
from rollcall.access.kafka_refusal import refuse_if_denied
from rollcall.errors import AccessDeniedError, TopicMismatchError
from rollcall.failpoints import Failpoint
from rollcall.settings import ServiceSettings
from rollcall.topology import Topology
from rollcall_events.topics import Topic

MOST_COPIES = 3
"""Copies of a topic where nobody says how many: more cost more than they save."""

_TIMEOUT_SECONDS = 30.0
_LOOK_SECONDS = 0.1


class TopicAdmin:
    """Administers the topics of one deployment. Use as an asynchronous context manager."""

    def __init__(self, settings: ServiceSettings, topology: Topology) -> None:
        self._settings = settings
        self._topology = topology
        self._admin = AIOKafkaAdminClient(
            **kafka_options(settings),
            client_id=f"{settings.instance_id}-topics",
            request_timeout_ms=int(_TIMEOUT_SECONDS * 1000),
        )

    async def __aenter__(self) -> "TopicAdmin":
        """Connect.

        Raises:
            AccessDeniedError: a broker is there and does not let us in.
            aiokafka.errors.KafkaError, TimeoutError: Kafka cannot be reached.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._admin.start()
        except (KafkaError, OSError, TimeoutError):
            await self._admin.close()
            await refuse_if_denied(self._settings)
            raise
        if not self._admin._client.cluster.brokers():  # so it looks to one whose token is refused
            await self._refuse_if_denied()
        return self

    async def _refuse_if_denied(self) -> None:
        try:
            await refuse_if_denied(self._settings)
        except AccessDeniedError:
            await self._admin.close()
            raise

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def missing(self) -> list[str]:
        """Names, on this cluster, of the topics that do not exist yet."""
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            existing = set(await self._admin.list_topics())
        return [
            name
            for topic in self._topology.topics
            if (name := self._settings.topic(topic.name)) not in existing
        ]

    async def create_missing(
        self, replication_factor: int | None = None, partitions: int | None = None
    ) -> list[str]:
        """Create what does not exist; `partitions` overrides the registry's number.

        Without a `replication_factor`, each broker has a copy, up to MOST_COPIES.

        Safe to run from several processes at once. Returns the names that were missing, once the
        cluster lists them: for a moment after creating a topic, it does not.

        Raises:
            TopicMismatchError: a topic cannot be created.
            TimeoutError: the cluster does not list them in time.
        """
        names = await self.missing()
        wanted = [
            topic for topic in self._topology.topics if self._settings.topic(topic.name) in names
        ]
        if wanted:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await wait_for_controller(self._admin)
                copies = replication_factor or min(MOST_COPIES, await self._brokers())
                new = [self._new_topic(topic, copies, partitions) for topic in wanted]
                response = await self._admin.create_topics(new)
            _raise_errors(response)
            failpoints.reached(Failpoint.TOPICS_CREATED)
            await self._wait_until_listed()
        return names

    async def _wait_until_listed(self) -> None:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            while True:
                if not await self.missing():
                    return
                await asyncio.sleep(_LOOK_SECONDS)

    async def check(self, replication_factor: int | None = None) -> None:
        """Compare the cluster's topics with the registry, and their copies with what new ones would get.

        Raises:
            TopicMismatchError: with one line for each difference and its remedy.
        """
        if missing := await self.missing():
            raise TopicMismatchError(f"missing topics: {', '.join(missing)}; create them first")
        differences = await self._differences(replication_factor or MOST_COPIES)
        if differences:
            raise TopicMismatchError("topics differ from the registry:\n" + "\n".join(differences))

    def _new_topic(self, topic: Topic, replication_factor: int, partitions: int | None) -> NewTopic:
        count = partitions or topic.partitions
        if topic is self._topology.lane_positions:
            count = self._settings.lanes
        return NewTopic(
            self._settings.topic(topic.name), count, replication_factor, topic_configs=topic.config
        )

    async def _brokers(self) -> int:
        return len((await self._admin.describe_cluster())["brokers"])

    async def _differences(self, most_copies: int) -> list[str]:
        topics = {self._settings.topic(topic.name): topic for topic in self._topology.topics}
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            brokers = await self._brokers()
            described = await self._admin.describe_topics(list(topics))
            configs = await self._admin.describe_configs(
                [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
            )
        actual = _config_by_topic(configs)
        counts = {topic["topic"]: len(topic["partitions"]) for topic in described}
        found = []
        for name, topic in topics.items():
            found += _config_differences(name, topic.config, actual.get(name, {}))
        positions = self._settings.topic(self._topology.lane_positions.name)
        if counts.get(positions, 0) < self._settings.lanes:
            found.append(
                f"{positions}: {counts.get(positions, 0)} partitions, but there are"
                f" {self._settings.lanes} lanes: add partitions"
            )
        return found + _missing_copies(described, brokers, min(most_copies, brokers))


async def wait_for_controller(admin: AIOKafkaAdminClient) -> None:
    """Return once the cluster names its controller: for a moment, an overloaded one names no broker at all.

    aiokafka 0.14 takes for granted that there is one, and would fail with an AttributeError.
    """
    while admin._client.cluster.controller is None:
        await asyncio.sleep(_LOOK_SECONDS)
        await admin._client.force_metadata_update()


def _missing_copies(described: Collection[Any], brokers: int, wanted: int) -> list[str]:
    """One line for each topic that the loss of a broker would hurt more than it need."""
    found = []
    for topic in described:
        copies = min((len(each["replicas"]) for each in topic["partitions"]), default=wanted)
        if copies < wanted:
            found.append(
                f"{topic['topic']}: {copies} copies on {brokers} brokers, there should be {wanted}:"
                " reassign its partitions (kafka-reassign-partitions.sh), or say"
                f" --replication {copies} if so few are meant"
            )
    return found


def _config_differences(name: str, wanted: dict[str, str], actual: dict[str, str]) -> list[str]:
    return [
        f"{name}: {key} is {actual.get(key)}, the registry says {value}: alter the topic"
        for key, value in wanted.items()
        if actual.get(key) != value
    ]


def _config_by_topic(responses: Collection[Any]) -> dict[str, dict[str, str]]:
    """Read DescribeConfigs responses: resources of (code, message, type, name, entries)."""
    return {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for response in responses
        for resource in response.resources
    }


def _raise_errors(response: Any) -> None:
    for name, code, *detail in response.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise TopicMismatchError(f"topic {name} cannot be created: {error.__name__} {detail}")
