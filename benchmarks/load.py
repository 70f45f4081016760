"""The input of a measurement: the same bytes for every contestant. Pure; reproducible from its seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5
from uuid import UUID

from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1, EventData

_MOMENT = datetime(2026, 1, 12, 8, 30, tzinfo=UTC)
# Batches whose contents arrive at the same time, as when several classes upload at once.
CONCURRENT_BATCHES = 10


@dataclass(frozen=True, slots=True)
class Message:
    """One Kafka record to produce; the key is the batch."""

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Load:
    """`batches` batches of `slots` slots with exactly one content for each slot.

    Different names give different ids, so that loads can follow each other in one deployment.
    """

    name: str
    batches: int
    slots: int

    @property
    def events(self) -> int:
        """Content events; registrations are not counted."""
        return self.batches * self.slots

    @property
    def batch_ids(self) -> list[UUID]:
        """The ids of the batches, in order of registration."""
        source = random.Random(self.name)
        return [UUID(int=source.getrandbits(128), version=4) for _ in range(self.batches)]

    def prefix(self, events: int) -> "Load":
        """The first batches of this load with about `events` contents, one batch at least."""
        return Load(self.name, max(1, min(self.batches, events // self.slots)), self.slots)

    def registrations(self) -> Iterator[Message]:
        """One registration for each batch."""
        for batch_id in self.batch_ids:
            yield _message(
                batch_id,
                BatchEssaysRegisteredV1(
                    batch_id=batch_id,
                    expected_essay_count=self.slots,
                    essay_ids=tuple(f"essay-{batch_id.hex[:8]}-{n:05}" for n in range(self.slots)),
                    course_code="ENG5",
                    essay_instructions="Write about a place that changed how you see the world.",
                    user_id="teacher-17",
                ),
            )

    def contents(self) -> Iterator[Message]:
        """The contents, those of CONCURRENT_BATCHES batches at a time taking turns at random."""
        source = random.Random(f"{self.name}-order")
        ids = self.batch_ids
        for start in range(0, len(ids), CONCURRENT_BATCHES):
            group = [
                (batch_id, n)
                for batch_id in ids[start : start + CONCURRENT_BATCHES]
                for n in range(self.slots)
            ]
            source.shuffle(group)
            for batch_id, n in group:
                yield _message(batch_id, _content(batch_id, n))

    def text_ids(self, batch_id: UUID) -> list[str]:
        """What identifies the contents of one batch."""
        return [text_storage_id(batch_id, n) for n in range(self.slots)]


def text_storage_id(batch_id: UUID, number: int) -> str:
    """The content's identity within its batch."""
    return f"text-{batch_id.hex[:16]}-{number:05}"


def expected_contents(loads: Sequence[Load]) -> dict[UUID, set[str]]:
    """By batch, every content that has to end in exactly one slot."""
    return {batch_id: set(load.text_ids(batch_id)) for load in loads for batch_id in load.batch_ids}


def _content(batch_id: UUID, number: int) -> EssayContentProvisionedV1:
    name = f"{batch_id.hex[:16]}-{number:05}"
    return EssayContentProvisionedV1(
        batch_id=batch_id,
        file_upload_id=f"upload-{name}",
        original_file_name=f"Student {number:05}.docx",
        raw_file_storage_id=f"raw-{name}",
        text_storage_id=text_storage_id(batch_id, number),
        file_size_bytes=18_000 + number,
        content_md5_hash=md5(name.encode(), usedforsecurity=False).hexdigest(),
    )


def _message(batch_id: UUID, data: EventData) -> Message:
    """Envelope ids are functions of the event, so that a load is the same in every run."""
    body = data.model_dump_json()
    digest = md5(body.encode(), usedforsecurity=False).digest()
    envelope = data.enveloped(
        event_id=UUID(bytes=digest, version=4),
        event_timestamp=_MOMENT,
        source_service="file-service",
        correlation_id=batch_id,
        metadata={"traceparent": f"00-{digest.hex()}-{digest[:8].hex()}-01"},
    )
    return Message(str(batch_id).encode(), envelope.model_dump_json().encode())
