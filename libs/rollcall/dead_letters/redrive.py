"""Dead letters back to records for the topic they came from. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rollcall.dead_letters.letter import LetterId, LetterSummary
from rollcall.dead_letters.store import StoredRecord
from rollcall.outbox.event import lane_of
from rollcall.outbox.publication import LANE_SEQ_HEADER
from rollcall.outbox.raw_record import MAX_ADDED_BYTES, RawRecord
from rollcall_events.topics import Topic

REDRIVEN_FROM_HEADER = "rollcall-redriven-from"
"""Tells where a redriven record stood before: topic-partition@offset."""

BATCH_RECORDS = 500
BATCH_BYTES = 2 * 1024 * 1024


@dataclass(slots=True, frozen=True)
class Untouched:
    """A dead letter that was asked for and left as it is, with the reason."""

    id: LetterId
    reason: str


@dataclass(slots=True, frozen=True)
class Plan:
    """The dead letters to settle, in order of place, and those that cannot be published.

    Each with the record to publish; None for one that is discarded.
    """

    records: dict[LetterId, RawRecord | None]
    refused: list[Untouched]


def batches(letters: Iterable[LetterSummary]) -> Iterator[list[LetterSummary]]:
    """Split letters, in order, into what one transaction takes: a bound on memory and locks."""
    batch: list[LetterSummary] = []
    size_bytes = 0
    for letter in letters:
        if batch and (len(batch) == BATCH_RECORDS or size_bytes + letter.size_bytes > BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(letter)
        size_bytes += letter.size_bytes
    if batch:
        yield batch


def plan_redrive(
    letters: Sequence[StoredRecord], inputs: Iterable[Topic], topic_prefix: str
) -> Plan:
    """Decide which dead letters can stand in their topics once more, and as what.

    A record that its topic refuses would hold up its lane for ever, so it is refused here. It may be
    larger than its topic allows because producers compress and the relay does not.
    """
    topics = {topic_prefix + topic.name: topic for topic in inputs}
    plan = Plan({}, [])
    for letter in letters:
        topic = topics.get(letter.id.topic)
        if topic is None:
            plan.refused.append(Untouched(letter.id, _unknown_topic(letter.id.topic, topics)))
            continue
        record = _raw_record(letter, topic.name)
        limit_bytes = topic.max_message_bytes - MAX_ADDED_BYTES
        if record.size_bytes > limit_bytes:
            plan.refused.append(
                Untouched(
                    letter.id,
                    f"{record.size_bytes} bytes; its topic takes {limit_bytes}: send it again from its"
                    " source, or discard it",
                )
            )
            continue
        plan.records[letter.id] = record
    return plan


def by_lane(records: dict[LetterId, RawRecord], lanes: int) -> dict[int, list[RawRecord]]:
    """Share records among lanes: those of one key, or without key of one partition, keep their order."""
    shares: dict[int, list[RawRecord]] = {}
    for id_, record in records.items():
        key = f"{id_.topic}-{id_.partition}".encode() if record.key is None else record.key
        shares.setdefault(lane_of(key, lanes), []).append(record)
    return dict(sorted(shares.items()))


def _raw_record(letter: StoredRecord, topic: str) -> RawRecord:
    """The record as it was, but for the headers that speak of its publication."""
    ours = (REDRIVEN_FROM_HEADER, LANE_SEQ_HEADER)
    kept = [(name, value) for name, value in letter.headers if name not in ours]
    origin: tuple[str, bytes | None] = (REDRIVEN_FROM_HEADER, str(letter.id).encode())
    return RawRecord(topic, letter.key, letter.value, [*kept, origin])


def _unknown_topic(topic: str, topics: Iterable[str]) -> str:
    return f"{topic} is no input topic of this deployment, which has {', '.join(topics)}"
