"""The topics of one service, by the part they play."""

from collections.abc import Iterable

from rollcall.errors import ConfigurationError
from rollcall_events import DeadLetterV1, EventData
from rollcall_events.topics import MIB, Topic


class Topology:
    """Which topics a service reads, writes, and keeps its lane positions and dead letters in.

    Raises:
        ConfigurationError: there is not exactly one topic of dead letters and one of lane positions,
            or an event model is carried by two topics.
    """

    def __init__(self, topics: Iterable[Topic]) -> None:
        self.topics = tuple(topics)
        self.inputs = tuple(topic for topic in self.topics if topic.direction == "in")
        self.outputs = tuple(topic for topic in self.topics if topic.direction == "out")
        self.lane_positions = self._single(
            "lane positions (direction internal, compacted)",
            [topic for topic in self.topics if topic.direction == "internal"],
        )
        self.dead_letters = self._single(
            "dead letters (direction out, model DeadLetterV1)",
            [topic for topic in self.outputs if DeadLetterV1 in topic.models],
        )
        self._by_model: dict[type[EventData], Topic] = {}
        for topic in self.topics:
            for model in topic.models:
                if model in self._by_model:
                    raise ConfigurationError(
                        f"{model.__name__} is carried by {self._by_model[model].name} and"
                        f" {topic.name}: an event has one topic"
                    )
                self._by_model[model] = topic

    def topic_of(self, model: type[EventData]) -> Topic:
        """The topic that carries events of `model`.

        Raises:
            ConfigurationError: no topic of this service does.
        """
        try:
            return self._by_model[model]
        except KeyError:
            raise ConfigurationError(
                f"no topic of this service carries {model.__name__}: add it to the topics"
            ) from None

    @staticmethod
    def _single(role: str, found: list[Topic]) -> Topic:
        if len(found) != 1:
            names = ", ".join(topic.name for topic in found) or "none"
            raise ConfigurationError(f"a service needs exactly one topic of {role}; found: {names}")
        return found[0]


def runtime_topics(service: str) -> tuple[Topic, Topic]:
    """The two topics that every service has beside its own: dead letters and lane positions."""
    dead_letters = Topic(
        f"{service}.dead.letters.v1",
        (DeadLetterV1,),
        "out",
        max_message_bytes=8 * MIB,
        key="origin",
        retention_hours=30 * 24,
    )
    positions = Topic(
        f"{service}.relay.positions.v1",
        (),
        "internal",
        max_message_bytes=MIB,
        key="lane",
        retention_hours=None,
        cleanup_policy="compact",
    )
    return dead_letters, positions
