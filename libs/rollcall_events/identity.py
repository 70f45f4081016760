"""Event ids that a repetition of the same work gives again."""

from uuid import UUID, uuid5

NAMESPACE = UUID("6f0d2c1e-3b5a-5c6e-9a53-1f2b7c8d4e90")
"""Never to be changed: every id ever sent depends on it."""


def deterministic_event_id(kind: str, batch_id: UUID, content: str = "") -> UUID:
    """Give the id of the one event of this kind (its type) about this batch or content of it."""
    return uuid5(NAMESPACE, f"{kind}/{batch_id}/{content}")


def dead_letter_event_id(consumer_group: str, topic: str, partition: int, offset: int) -> UUID:
    """Give the id of the dead letter of one record in one consumer group."""
    return uuid5(NAMESPACE, f"DeadLetterV1/{topic}/{partition}/{offset}/{consumer_group}")
