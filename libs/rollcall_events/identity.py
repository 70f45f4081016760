"""Event ids that a repetition of the same work gives again."""

from hashlib import sha1
from uuid import UUID

NAMESPACE = UUID("6f0d2c1e-3b5a-5c6e-9a53-1f2b7c8d4e90")
"""Never to be changed: every id ever sent depends on it."""


def deterministic_event_id(kind: str, batch_id: UUID | str, content: str = "") -> UUID:
    """Give the id of the one event of this kind (its type) about this batch or content of it."""
    return _uuid5(f"{kind}/{batch_id}/{content}")


def dead_letter_event_id(consumer_group: str, topic: str, partition: int, offset: int) -> UUID:
    """Give the id of the dead letter of one record in one consumer group."""
    return _uuid5(f"DeadLetterV1/{topic}/{partition}/{offset}/{consumer_group}")


def _uuid5(name: str) -> UUID:
    """`uuid.uuid5` in our namespace, at half its price."""
    digest = sha1(NAMESPACE.bytes + name.encode(), usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)
