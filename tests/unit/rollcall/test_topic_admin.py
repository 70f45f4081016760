"""Creating topics ends when they can be used; how many copies they get, and who is told of too few."""

from types import SimpleNamespace
from typing import Any

import pytest

from rollcall import ServiceSettings
from rollcall.errors import TopicMismatchError
from rollcall.topic_admin import TopicAdmin
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS

TOPOLOGY = Topology(TOPICS)
SETTINGS = ServiceSettings()


class LateCluster:
    """Stands in for the client: lists what was created only when asked for the third time."""

    def __init__(self, brokers: int = 1) -> None:
        self._client = SimpleNamespace(cluster=SimpleNamespace(controller=object()))
        self._brokers = brokers
        self._created: list[str] = []
        self._looks = 0
        self.copies: dict[str, list[int]] = {}

    async def list_topics(self) -> list[str]:
        self._looks += bool(self._created)
        return self._created if self._looks > 2 else []

    async def create_topics(self, topics: list[Any]) -> Any:
        self._created = [topic.name for topic in topics]
        self.copies = {t.name: [t.replication_factor] * t.num_partitions for t in topics}
        return SimpleNamespace(topic_errors=[(name, 0, None) for name in self._created])

    async def describe_cluster(self) -> Any:
        return {"brokers": [{"node_id": number} for number in range(self._brokers)]}

    async def describe_topics(self, names: list[str]) -> list[Any]:
        return [
            {"topic": name, "partitions": [{"replicas": list(range(n))} for n in self.copies[name]]}
            for name in names
        ]

    async def describe_configs(self, _: list[Any]) -> list[Any]:
        resources = [
            (0, "", 2, SETTINGS.topic(topic.name), list(topic.config.items())) for topic in TOPICS
        ]
        return [SimpleNamespace(resources=resources)]


def admin_of(cluster: Any) -> TopicAdmin:
    """The administration of a cluster."""
    admin = TopicAdmin(SETTINGS, TOPOLOGY)
    admin._admin = cluster
    return admin


async def test_created_topics_are_waited_for_until_the_cluster_lists_them() -> None:
    admin = admin_of(LateCluster())
    created = await admin.create_missing()
    assert created
    assert await admin.missing() == []


@pytest.mark.parametrize(
    ("brokers", "given", "copies"),
    [(1, None, 1), (2, None, 2), (3, None, 3), (9, None, 3), (3, 1, 1)],
)
async def test_a_new_topic_has_three_copies_wherever_there_are_brokers_for_them(
    brokers: int, given: int | None, copies: int
) -> None:
    cluster = LateCluster(brokers)
    admin = admin_of(cluster)
    await admin.create_missing(given)
    assert {count for counts in cluster.copies.values() for count in counts} == {copies}
    await admin.check(given)


async def test_a_topic_with_too_few_copies_is_told_with_the_remedy() -> None:
    cluster = LateCluster(3)
    admin = admin_of(cluster)
    await admin.create_missing()
    name = SETTINGS.topic("els.relay.positions.v1")
    cluster.copies[name][-1] = 1
    with pytest.raises(TopicMismatchError) as told:
        await admin.check()
    _, *differences = str(told.value).splitlines()
    assert differences == [
        f"{name}: 1 copies on 3 brokers, there should be 3: reassign its partitions"
        " (kafka-reassign-partitions.sh), or say --replication 1 if so few are meant"
    ]
    await admin.check(1)


async def test_no_more_copies_are_asked_for_than_there_are_brokers() -> None:
    """One broker of three may be away while a release is rolled out."""
    cluster = LateCluster(2)
    admin = admin_of(cluster)
    await admin.create_missing(2)
    await admin.check(3)
