"""The one registry of topics: what each is called, carries and keeps. Data alone, no Kafka."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from rollcall_events.dead_letters import DeadLetterV1
from rollcall_events.envelope import EventData
from rollcall_events.inputs import (
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
)
from rollcall_events.outputs import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchReadinessTimeoutV1,
    BatchValidationErrorsV1,
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
)

MIB = 2**20
MAX_TAKEN_RECORD_BYTES = 1 * MIB
"""Largest input value taken, in bytes. Input topics let larger ones in, to end as dead letters."""


class UnknownTopicError(LookupError):
    """The registry has no such topic. Use one of `TOPICS` of this module, or add it there."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it has to exist in a cluster, its name without the deployment's prefix.

    `key` names what the key of our own records is, as UTF-8; other producers may use any or none.
    `partitions` is the default for a new topic. `retention_hours` of None keeps records for ever.
    """

    name: str
    models: tuple[type[EventData], ...]
    direction: Literal["in", "out", "internal"]
    max_message_bytes: int
    key: str = "batch_id"
    partitions: int = 12
    retention_hours: int | None = 7 * 24
    cleanup_policy: Literal["delete", "compact"] = "delete"

    def prefixed(self, prefix: str) -> str:
        """Give the name in a deployment: `prefix` comes first, unchanged."""
        return prefix + self.name

    @property
    def config(self) -> dict[str, str]:
        """Give the topic's settings under Kafka's own names."""
        retention_ms = -1 if self.retention_hours is None else self.retention_hours * 3_600_000
        return {
            "cleanup.policy": self.cleanup_policy,
            "max.message.bytes": str(self.max_message_bytes),
            "retention.ms": str(retention_ms),
        }


def _input(name: str, model: type[EventData]) -> Topic:
    return Topic(name, (model,), "in", max_message_bytes=4 * MIB)


def _output(name: str, model: type[EventData], max_message_bytes: int = 8 * MIB) -> Topic:
    return Topic(name, (model,), "out", max_message_bytes)


# Events that list essays have more room: the largest that any inputs can cause must fit, for an
# event that does not would hold up its lane for ever.
TOPICS: tuple[Topic, ...] = (
    _input("batch.essays.registered.v1", BatchEssaysRegisteredV1),
    _input("file.essay.content.provisioned.v1", EssayContentProvisionedV1),
    _input("file.essay.validation.failed.v1", EssayValidationFailedV1),
    _output("els.essay.slot.assigned.v1", EssaySlotAssignedV1),
    _output("els.excess.content.provisioned.v1", ExcessContentProvisionedV1),
    _output(
        "els.batch.content.provisioning.completed.v1", BatchContentProvisioningCompletedV1, 24 * MIB
    ),
    _output("els.batch.essays.ready.v1", BatchEssaysReadyV1, 24 * MIB),
    _output("els.batch.validation.errors.v1", BatchValidationErrorsV1, 64 * MIB),
    _output("els.batch.readiness.timeout.v1", BatchReadinessTimeoutV1),
    Topic(
        "els.dead.letters.v1",
        (DeadLetterV1,),
        "out",
        max_message_bytes=8 * MIB,
        key="origin_partition",
        retention_hours=30 * 24,
    ),
    Topic(
        "els.relay.positions.v1",
        (),
        "internal",
        max_message_bytes=1 * MIB,
        key="lane",
        partitions=4,
        retention_hours=None,
        cleanup_policy="compact",
    ),
)


@cache
def topic_for(model: type[EventData]) -> Topic:
    """Give the topic that carries the event.

    Raises:
        UnknownTopicError: if none does.
    """
    for topic in TOPICS:
        if model in topic.models:
            return topic
    raise UnknownTopicError(
        f"no topic carries {model.__name__}: add it to rollcall_events.topics.TOPICS"
    )


@cache
def topic_named(name: str) -> Topic:
    """Give the topic of that name, without prefix.

    Raises:
        UnknownTopicError: if there is none.
    """
    for topic in TOPICS:
        if topic.name == name:
            return topic
    known = ", ".join(topic.name for topic in TOPICS)
    raise UnknownTopicError(f"no topic is named {name!r}; the registry has {known}")
