"""What the interpreter needs for a chunk, with no server: decoding, and encoding into segments."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from essay_lifecycle_service.domain.announcements import slot_assigned
from essay_lifecycle_service.domain.claims import claim_of_content
from essay_lifecycle_service.domain.placement import Taken
from rollcall.consumer.decoding import Decoder
from rollcall.consumer.records import InputRecord, Partition, Received
from rollcall.outbox.encoding import encode_event
from rollcall.outbox.segment import SegmentCodec
from rollcall_cluster.measuring.load import Load
from rollcall_events import EssayContentProvisionedV1
from rollcall_events.topics import MAX_TAKEN_RECORD_BYTES, topic_for

_PARTITION = Partition(topic_for(EssayContentProvisionedV1).name, 0)


def records_of(load: Load) -> list[InputRecord]:
    """The load as the client would give it."""
    return [
        InputRecord(_PARTITION, offset, message.key, message.value, (), -1)
        for offset, message in enumerate(load.contents())
    ]


def decode(records: Sequence[InputRecord]) -> list[Received[Any]]:
    """Decode records as the consumer does."""
    decoder = Decoder([EssayContentProvisionedV1], MAX_TAKEN_RECORD_BYTES)
    return [item for item in map(decoder.decode, records) if isinstance(item, Received)]


def encode(items: Sequence[Received[Any]]) -> bytes:
    """Make claims, their slot events, and one segment of them."""
    now = datetime.now(UTC)
    claims = [claim_of_content(item.data, item.envelope.correlation_id) for item in items]
    events = [slot_assigned(Taken(claim, n, f"essay-{n}")) for n, claim in enumerate(claims)]
    records = [encode_event(event, "slots", "bench", now) for event in events]
    return SegmentCodec().encode(records)


def seconds_each(work: Callable[[Any], Any], items: Sequence[Any], chunk: int) -> float:
    """CPU time of `work` for each item, in chunks."""
    began = time.process_time()
    for start in range(0, len(items), chunk):
        work(items[start : start + chunk])
    return (time.process_time() - began) / len(items)


def measure(events: int, chunk: int) -> dict[str, float]:
    """Seconds for each event of decoding and of encoding."""
    load = Load(f"interpreter-{uuid4()}", max(1, events // chunk), chunk)
    records = records_of(load)
    items = decode(records)
    encode(items[:chunk])
    with _collector_of_a_service():
        return {
            "decode": seconds_each(decode, records, chunk),
            "encode": seconds_each(encode, items, chunk),
        }


@contextmanager
def _collector_of_a_service() -> Iterator[None]:
    """Garbage collection as the service has it; what exists already is left alone."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
