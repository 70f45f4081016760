"""The input of a measurement: the same bytes for every contestant. Pure; reproducible from its seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import md5
from typing import NamedTuple
from uuid import UUID

from rollcall_cluster.generator.malformed import Malformation, spoil
from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1, EventData

_MOMENT = datetime(2026, 1, 12, 8, 30, tzinfo=UTC)
# Batches whose contents arrive at the same time, as when several classes upload at once.
CONCURRENT_BATCHES = 10
_HOT_BATCHES_SHARE = 0.05
_HOT_EVENTS_SHARE = 0.8
_GOOD_FOR_EACH_BAD = 9
_BAD_KINDS = (
    Malformation.NOT_JSON,
    Malformation.WRONG_TYPES,
    Malformation.WRONG_VERSION,
    Malformation.EMPTY,
)


class Workload(StrEnum):
    """What the input is like."""

    KEYED = "keyed"
    UNKEYED = "unkeyed"
    SKEWED = "skewed"
    DUPLICATES = "duplicates"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Message:
    """One Kafka record to produce; the key is the batch, or none: then the partition is given."""

    key: bytes | None
    value: bytes | None
    partition: int | None = None


class _Place(NamedTuple):
    """The content of one slot."""

    batch_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class Load:
    """`batches` batches of `slots` slots, on average, with a content for each slot.

    Different names give different ids, so that loads can follow each other in one deployment.
    `partitions` is that of the topic of contents, needed where records have no key.
    """

    name: str
    batches: int
    slots: int
    workload: Workload = Workload.KEYED
    partitions: int = 12

    def of(self, workload: Workload) -> "Load":
        """About as many events of another workload."""
        batches = {
            Workload.DUPLICATES: self.batches // 2,
            Workload.MALFORMED: self.batches * _GOOD_FOR_EACH_BAD // (_GOOD_FOR_EACH_BAD + 1),
        }.get(workload, self.batches)
        return replace(self, workload=workload, batches=max(1, batches))

    @property
    def contents_count(self) -> int:
        """Distinct contents, which is the number of slots."""
        return sum(self.sizes)

    @property
    def dead_letters(self) -> int:
        """Records that no service can handle."""
        bad = self.workload is Workload.MALFORMED
        return self.contents_count // _GOOD_FOR_EACH_BAD if bad else 0

    @property
    def events(self) -> int:
        """Records in the topic of contents; registrations are not counted."""
        times = 2 if self.workload is Workload.DUPLICATES else 1
        return self.contents_count * times + self.dead_letters

    @property
    def batch_ids(self) -> list[UUID]:
        """The ids of the batches, in order of registration."""
        source = random.Random(self.name)  # noqa: S311 - reproducible
        return [UUID(int=source.getrandbits(128), version=4) for _ in range(self.batches)]

    @property
    def sizes(self) -> list[int]:
        """Slots of each batch. Skewed: the first few batches are large, all others small."""
        if self.workload is not Workload.SKEWED or self.batches < 2:
            return [self.slots] * self.batches
        hot, total = self._hot_batches, self.batches * self.slots
        large = round(_HOT_EVENTS_SHARE * total / hot)
        small = max(1, (total - hot * large) // (self.batches - hot))
        return [large] * hot + [small] * (self.batches - hot)

    def prefix(self, events: int) -> "Load":
        """The first batches of this load with about `events` contents, one batch at least."""
        return replace(self, batches=max(1, min(self.batches, events // self.slots)))

    def registrations(self) -> Iterator[Message]:
        """One registration for each batch."""
        for batch_id, slots in zip(self.batch_ids, self.sizes, strict=True):
            yield _message(
                batch_id,
                BatchEssaysRegisteredV1(
                    batch_id=batch_id,
                    expected_essay_count=slots,
                    essay_ids=tuple(f"essay-{batch_id.hex[:8]}-{n:05}" for n in range(slots)),
                    course_code="ENG5",
                    essay_instructions="Write about a place that changed how you see the world.",
                    user_id="teacher-17",
                ),
            )

    def contents(self) -> Iterator[Message]:
        """The contents, those of CONCURRENT_BATCHES batches at a time taking turns at random."""
        if self.workload is Workload.MALFORMED:
            yield from _with_bad_ones(map(_content_message, self._places()))
        elif self.workload is Workload.UNKEYED:
            for number, place in enumerate(self._places()):
                yield Message(None, _content_message(place).value, number % self.partitions)
        else:
            yield from map(_content_message, self._places())

    def text_ids(self, batch_id: UUID, slots: int | None = None) -> list[str]:
        """What identifies the contents of one batch."""
        return [text_storage_id(batch_id, n) for n in range(slots or self.slots)]

    @property
    def _hot_batches(self) -> int:
        return max(1, round(_HOT_BATCHES_SHARE * self.batches))

    def _places(self) -> Iterator[_Place]:
        source = random.Random(f"{self.name}-order")  # noqa: S311 - reproducible
        batches = list(zip(self.batch_ids, self.sizes, strict=True))
        if self.workload is Workload.SKEWED:
            hot = _shuffled(batches[: self._hot_batches], source)
            yield from _merged(hot, list(_in_turns(batches[self._hot_batches :], source)), source)
        else:
            copies = 2 if self.workload is Workload.DUPLICATES else 1
            yield from _in_turns(batches, source, copies)


def text_storage_id(batch_id: UUID, number: int) -> str:
    """The content's identity within its batch."""
    return f"text-{batch_id.hex[:16]}-{number:05}"


def expected_contents(loads: Sequence[Load]) -> dict[UUID, set[str]]:
    """By batch, every content that has to end in exactly one slot."""
    return {
        batch_id: set(load.text_ids(batch_id, slots))
        for load in loads
        for batch_id, slots in zip(load.batch_ids, load.sizes, strict=True)
    }


def _in_turns(
    batches: Sequence[tuple[UUID, int]], source: random.Random, copies: int = 1
) -> Iterator[_Place]:
    for start in range(0, len(batches), CONCURRENT_BATCHES):
        yield from _shuffled([*batches[start : start + CONCURRENT_BATCHES]] * copies, source)


def _shuffled(batches: Sequence[tuple[UUID, int]], source: random.Random) -> list[_Place]:
    places = [_Place(batch_id, n) for batch_id, slots in batches for n in range(slots)]
    source.shuffle(places)
    return places


def _merged(
    first: Sequence[_Place], second: Sequence[_Place], source: random.Random
) -> Iterator[_Place]:
    """Both at random, each in its own order, mixed alike from beginning to end."""
    ways, left = (iter(first), iter(second)), [len(first), len(second)]
    while any(left):
        way = source.random() * sum(left) >= left[0]
        left[way] -= 1
        yield next(ways[way])


def _with_bad_ones(messages: Iterator[Message]) -> Iterator[Message]:
    """A bad one behind every ninth good one."""
    for number, message in enumerate(messages, 1):
        yield message
        if number % _GOOD_FOR_EACH_BAD == 0:
            bad = number // _GOOD_FOR_EACH_BAD
            kind = _BAD_KINDS[bad % len(_BAD_KINDS)]
            yield Message(message.key, spoil(kind, message.value or b"", bad))


def _content_message(place: _Place) -> Message:
    return _message(place.batch_id, _content(*place))


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
