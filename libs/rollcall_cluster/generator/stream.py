"""The records of a plan: lazily, many batches mixed, in memory that does not grow with the plan."""

import random
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from uuid import UUID

from rollcall_cluster.generator.malformed import Malformation, malformation, spoil
from rollcall_cluster.generator.pacing import due_at
from rollcall_cluster.generator.plan import KeyStrategy, Plan
from rollcall_cluster.generator.record import CONTENTS, FAILURES, REGISTRATIONS, Kind, Record
from rollcall_cluster.generator.script import DUPLICATE, MALFORMED, number_of, write_script
from rollcall_cluster.generator.sizing import BatchSize, batch_sizes
from rollcall_cluster.generator.wire import BatchWire

MAX_RECORDS_IN_FLIGHT = 200_000


class OpenBatch:
    """A batch of which some records are still to come."""

    def __init__(self, plan: Plan, size: BatchSize) -> None:
        draws = random.Random(f"{plan.seed}/batch/{size.index}")  # noqa: S311 - reproducible
        batch_id = UUID(int=draws.getrandbits(128), version=4)
        correlation_id = UUID(int=draws.getrandbits(128), version=4)
        self.size = size
        self.wire = BatchWire(batch_id, correlation_id, size.index, size.slots)
        self._script: array[int] = write_script(size, draws)
        self._key_strategy = plan.key

    def __len__(self) -> int:
        """How many records are still to come."""
        return len(self._script)

    def next_record(self, at: float, stamp: bytes) -> Record:
        """Give the next record.

        Raises:
            IndexError: if there is none.
        """
        entry = self._script.pop()
        if entry & MALFORMED:
            return self._malformed(number_of(entry), at, stamp)
        number = number_of(entry)
        ordinal = number % self.size.events
        duplicate = bool(entry & DUPLICATE)
        if ordinal < self.size.contents:
            value = self.wire.content(number, ordinal, stamp)
            kind = Kind.DUPLICATE if duplicate else Kind.CONTENT
            return Record(CONTENTS, self._key(ordinal), value, at, kind)
        if ordinal < self.size.events - 1:
            value = self.wire.failure(number, ordinal, stamp)
            kind = Kind.DUPLICATE if duplicate else Kind.FAILURE
            return Record(FAILURES, self._key(ordinal), value, at, kind)
        value = self.wire.registration(number, stamp)
        kind = Kind.DUPLICATE if duplicate else Kind.REGISTRATION
        return Record(REGISTRATIONS, self._registration_key(), value, at, kind)

    def _key(self, ordinal: int) -> bytes | None:
        if self._key_strategy is KeyStrategy.BATCH:
            return self.wire.key
        return self.wire.file_key(ordinal) if self._key_strategy is KeyStrategy.FILE else None

    def _registration_key(self) -> bytes | None:
        return None if self._key_strategy is KeyStrategy.NONE else self.wire.key

    def _malformed(self, number: int, at: float, stamp: bytes) -> Record:
        """Spoil an event of a file that is none of the batch's, so that nothing good is lost."""
        kind = malformation(number)
        ordinal = self.size.events + number % 10_000
        on_failures = number % 3 == 1 and kind is not Malformation.OVERSIZE
        encode = self.wire.failure if on_failures else self.wire.content
        value = spoil(kind, encode(number | 1 << 40, ordinal, stamp), number)
        topic = FAILURES if on_failures else CONTENTS
        return Record(topic, self._key(ordinal), value, at, Kind.MALFORMED)


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive records, and the batches whose first record is among them."""

    records: list[Record]
    opened: list[OpenBatch]


class RecordStream:
    """An iterator over the records of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._sizes = batch_sizes(plan)
        self._draws = random.Random(f"{plan.seed}/mixing")  # noqa: S311 - reproducible
        self._opened: list[OpenBatch] = []

    def records(self) -> Iterator[Record]:
        """Give the records one by one."""
        plan, random_share = self._plan, self._draws.random
        open_batches = self._first_batches()
        stamp, stamped_ms, sent = b"", -1, 0
        while open_batches:
            at = due_at(plan, sent)
            if (due_ms := int(at * 1_000)) != stamped_ms:
                stamped_ms = due_ms
                stamp = _timestamp(plan, due_ms)
            place = int(random_share() * len(open_batches))
            batch = open_batches[place]
            yield batch.next_record(at, stamp)
            sent += 1
            if not batch:
                self._replace(open_batches, place)

    def blocks(self, size: int) -> Iterator[Block]:
        """Give the records in blocks of `size`, each with the batches that were opened for it."""
        records = self.records()
        while block := list(islice(records, size)):
            opened, self._opened = self._opened, []
            yield Block(block, opened)

    def _first_batches(self) -> list[OpenBatch]:
        batches: list[OpenBatch] = []
        in_flight = 0
        while len(batches) < self._plan.batches_in_flight and in_flight < MAX_RECORDS_IN_FLIGHT:
            batch = self._open_next()
            if batch is None:
                break
            batches.append(batch)
            in_flight += len(batch)
        return batches

    def _open_next(self) -> OpenBatch | None:
        size = next(self._sizes, None)
        if size is None:
            return None
        batch = OpenBatch(self._plan, size)
        self._opened.append(batch)
        return batch

    def _replace(self, batches: list[OpenBatch], place: int) -> None:
        """Put the plan's next batch where one ended, or close the gap."""
        following = self._open_next()
        if following is not None:
            batches[place] = following
            return
        last = batches.pop()
        if place < len(batches):
            batches[place] = last


def _timestamp(plan: Plan, due_ms: int) -> bytes:
    instant = plan.begins_at + timedelta(milliseconds=due_ms)
    return instant.isoformat(timespec="milliseconds").encode()
