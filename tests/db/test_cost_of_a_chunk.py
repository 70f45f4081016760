"""What a chunk costs, in counts: a change that doubles the work fails here."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from essay_lifecycle_service.domain.announcements import slot_assigned
from essay_lifecycle_service.domain.claims import claim_of_content
from essay_lifecycle_service.domain.placement import Taken
from rollcall.consumer.decoding import Decoder
from rollcall.consumer.records import InputRecord, Partition
from rollcall.outbox.encoding import encode_event
from rollcall.outbox.segment import SegmentCodec
from rollcall_events import EssayContentProvisionedV1
from tests.counting import counted_calls
from tests.db.events import CORRELATION_ID, contents, message, registration
from tests.db.replica import open_replica
from tests.db.round_trips import counted
from tests.limits import (
    CALLS_OF_A_CHUNK_FOR_EACH_RECORD,
    CALLS_TO_DECODE_A_RECORD,
    CALLS_TO_ENCODE_AN_EVENT,
    CHUNK_RECORDS,
    ROUND_TRIPS_OF_A_CHUNK,
    ROUND_TRIPS_OF_A_COMPLETION,
)


async def test_a_chunk_takes_few_round_trips(database: str, batch_id: UUID):
    """However many records it has: every statement is about the whole chunk."""
    async with counted(database) as (dsn, trips), open_replica(dsn) as replica:
        await replica.handle(registration(batch_id, 5 * CHUNK_RECORDS))
        found = []
        for number in range(4):
            records = contents(batch_id, CHUNK_RECORDS, first=number * CHUNK_RECORDS)
            chunk = await replica.chunk(*records)
            before = trips.count
            await replica.process(chunk)
            found.append(trips.count - before)
    assert min(found) <= ROUND_TRIPS_OF_A_CHUNK, found  # the first prepare their statements


async def test_a_completion_takes_few_round_trips_more(database: str):
    """For each batch that a chunk completes."""
    batches = [(uuid4(), uuid4()) for _ in range(4)]
    async with counted(database) as (dsn, trips), open_replica(dsn) as replica:
        await replica.handle(*(registration(batch, 2) for pair in batches for batch in pair))
        found = []
        for one, other in batches:
            chunk = await replica.chunk(*contents(one, 2), *contents(other, 2))
            before = trips.count
            await replica.process(chunk)
            found.append(trips.count - before)
    limit = ROUND_TRIPS_OF_A_CHUNK + 2 * ROUND_TRIPS_OF_A_COMPLETION
    assert min(found) <= limit, found


async def test_a_chunk_takes_few_calls_for_each_record(database: str, batch_id: UUID):
    """From the decoded chunk to its commit, the driver's encoding of arguments included."""
    async with open_replica(database) as replica:
        await replica.handle(registration(batch_id, 3 * CHUNK_RECORDS))
        await replica.handle(*contents(batch_id, CHUNK_RECORDS))
        chunk = await replica.chunk(*contents(batch_id, CHUNK_RECORDS, first=CHUNK_RECORDS))
        with counted_calls() as calls:
            await replica.process(chunk)
    assert calls.count / CHUNK_RECORDS <= CALLS_OF_A_CHUNK_FOR_EACH_RECORD


def test_decoding_takes_few_calls_for_each_record(batch_id: UUID):
    """One pass over the bytes, whatever the number of fields."""
    values = [message(content) for content in contents(batch_id, CHUNK_RECORDS)]
    records = [InputRecord(Partition("in", 0), n, None, v, (), -1) for n, v in enumerate(values)]
    decoder = Decoder([EssayContentProvisionedV1], record_max_bytes=1_000_000)
    decoder.decode(records[0])
    with counted_calls() as calls:
        for record in records:
            decoder.decode(record)
    assert calls.count / CHUNK_RECORDS <= CALLS_TO_DECODE_A_RECORD


def test_encoding_takes_few_calls_for_each_event(batch_id: UUID):
    """From the taken slot to the segment: each event is built and encoded once."""
    claims = [claim_of_content(each, CORRELATION_ID) for each in contents(batch_id, CHUNK_RECORDS)]
    taken = [Taken(claim, position, f"essay-{position}") for position, claim in enumerate(claims)]
    now = datetime.now(UTC)
    encode_event(slot_assigned(taken[0]), "slots", "els", now)
    with counted_calls() as calls:
        SegmentCodec().encode([encode_event(slot_assigned(t), "slots", "els", now) for t in taken])
    assert calls.count / CHUNK_RECORDS <= CALLS_TO_ENCODE_AN_EVENT
