"""Creating topics ends when they can be used."""

from types import SimpleNamespace
from typing import Any

from rollcall import ServiceSettings
from rollcall.topic_admin import TopicAdmin
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS


class LateCluster:
    """Stands in for the client: lists what was created only when asked for the third time."""

    def __init__(self) -> None:
        self._client = SimpleNamespace(cluster=SimpleNamespace(controller=object()))
        self._created: list[str] = []
        self._looks = 0

    async def list_topics(self) -> list[str]:
        self._looks += bool(self._created)
        return self._created if self._looks > 2 else []

    async def create_topics(self, topics: list[Any]) -> Any:
        self._created = [topic.name for topic in topics]
        return SimpleNamespace(topic_errors=[(name, 0, None) for name in self._created])


async def test_created_topics_are_waited_for_until_the_cluster_lists_them() -> None:
    topology = Topology(TOPICS)
    admin = TopicAdmin(ServiceSettings(), topology)
    admin._admin = LateCluster()
    created = await admin.create_missing()
    assert created
    assert await admin.missing() == []
