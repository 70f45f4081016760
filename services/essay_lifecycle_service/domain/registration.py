"""Whether a registration is new, a repetition, or a contradiction."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Self
from uuid import UUID

import orjson

from rollcall_events import BatchEssaysRegisteredV1


@dataclass(slots=True, frozen=True)
class Registration:
    """A registration with a digest of everything it says: equal digests are repetitions."""

    event: BatchEssaysRegisteredV1
    correlation_id: UUID
    digest: bytes

    @classmethod
    def of(cls, event: BatchEssaysRegisteredV1, correlation_id: UUID) -> Self:
        """Digest a registration."""
        return cls(event, correlation_id, registration_digest(event))

    @property
    def batch_id(self) -> UUID:
        """The batch that it opens."""
        return self.event.batch_id


def registration_digest(registration: BatchEssaysRegisteredV1) -> bytes:
    """A digest of all fields that are not at their defaults.

    Digests are stored: an optional field that a later release adds to the event must leave those of
    earlier registrations as they are.
    """
    fields = registration.model_dump(mode="json", exclude_defaults=True)
    return sha256(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)).digest()


def first_of_each_batch(registrations: Iterable[Registration]) -> dict[UUID, Registration]:
    """Of several registrations of a batch, the one that arrived first."""
    found: dict[UUID, Registration] = {}
    for registration in registrations:
        found.setdefault(registration.batch_id, registration)
    return found
