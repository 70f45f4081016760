"""The filter of records that were handled before: it saves work, and is never believed against the database."""

import asyncio
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from rollcall import Received, Transaction
from rollcall.consumer.records import InputRecord, Partition
from rollcall.coordination import Coordination
from rollcall.coordination.chunk_filter import ChunkFilter
from rollcall.dead_letters.redrive import REDRIVEN_FROM_HEADER
from rollcall_events import EssayContentProvisionedV1, EssayValidationFailedV1
from tests.db.conftest import OpenReplica
from tests.db.events import contents, message, registration
from tests.db.evidence import Evidence
from tests.db.replica import Replica

GROUP = "essay-lifecycle-service"
MODELS = (EssayContentProvisionedV1, EssayValidationFailedV1)


@pytest_asyncio.fixture
async def known(redis_url: str) -> AsyncIterator[ChunkFilter]:
    """A filter with marks of its own and a budget that a busy test machine keeps."""
    coordination = Coordination(redis_url, None, prefix=f"t{uuid.uuid4().hex[:10]}")  # type: ignore[arg-type]
    marks = coordination.idempotency_filter(GROUP)
    known = ChunkFilter(coordination, marks, GROUP, MODELS, budget_seconds=5.0)
    yield known
    await known.close()


@pytest_asyncio.fixture
async def replica(replicas: OpenReplica, known: ChunkFilter) -> Replica:
    return await replicas("filtering", known=known)


def hits(known: ChunkFilter) -> int:
    """Records left out so far."""
    return int(known.metrics.filter_hits_total._value.get())


async def marked(known: ChunkFilter) -> None:
    """Wait until the newest chunk is marked."""
    assert known.marking is not None
    await known.marking


async def _filled(replica: Replica, known: ChunkFilter, batch_id: UUID, count: int) -> list[bytes]:
    """A batch of 20 slots, so many of them taken by records that are marked."""
    await replica.handle(registration(batch_id, 20))
    records = [message(content) for content in contents(batch_id, count)]
    await replica.handle(*records)
    await marked(known)
    return records


async def test_duplicates_are_left_out_and_the_position_moves_past_them(
    replica: Replica, known: ChunkFilter, evidence: Evidence, batch_id: UUID
) -> None:
    records = await _filled(replica, known, batch_id, 5)
    new = [message(content) for content in contents(batch_id, 2, first=5)]
    await replica.handle(*records, *new)
    assert hits(known) == 5
    assert (await evidence.positions())[0] == 13
    assert await evidence.filled_slots() == 7


async def test_a_chunk_of_duplicates_alone_moves_the_position(
    replica: Replica, known: ChunkFilter, evidence: Evidence, batch_id: UUID
) -> None:
    records = await _filled(replica, known, batch_id, 5)
    await replica.handle(*records)
    assert hits(known) == 5
    assert (await evidence.positions())[0] == 11


async def test_duplicates_in_another_partition_and_replica_are_left_out(
    replicas: OpenReplica, replica: Replica, known: ChunkFilter, batch_id: UUID
) -> None:
    """There the database says that the first one's place was passed."""
    records = await _filled(replica, known, batch_id, 5)
    other = await replicas("other", known=known)
    await other.handle(*records, partition=3)
    assert hits(known) == 5


async def test_the_same_id_with_other_bytes_is_handled(
    replica: Replica, known: ChunkFilter, evidence: Evidence, batch_id: UUID
) -> None:
    records = await _filled(replica, known, batch_id, 1)
    changed = records[0].replace(b"text-00000", b"text-00009")
    await replica.handle(changed)
    assert hits(known) == 0
    assert await evidence.filled_slots() == 2


async def test_a_repeated_registration_is_handled(
    replica: Replica, known: ChunkFilter, connection: Any, batch_id: UUID
) -> None:
    """It mends a batch that lacks slots."""
    record = message(registration(batch_id, 4))
    await replica.handle(record)
    await connection.execute("DELETE FROM slot WHERE batch_id = $1 AND position > 1", batch_id)
    await replica.handle(record)
    assert await connection.fetchval("SELECT count(*) FROM slot WHERE batch_id = $1", batch_id) == 4


async def test_what_was_rejected_is_not_marked(
    replicas: OpenReplica, known: ChunkFilter, evidence: Evidence, batch_id: UUID
) -> None:
    """A handler set it aside, or the chunk was bisected around it."""

    async def reject(received: list[Received[Any]], tx: Transaction) -> None:
        for item in received:
            if getattr(item.data, "text_storage_id", "") == "text-00001":
                tx.reject(item, "test", "this one")
            if getattr(item.data, "text_storage_id", "") == "text-00002":
                raise ValueError("this one breaks the chunk")

    replica = await replicas("rejecting", known=known, after=reject)
    records = [message(content) for content in contents(batch_id, 4)]
    await replica.handle(*records)
    await marked(known)
    await replicas("other")
    calm = await replicas("calm", known=known)
    calm.next_offset = replica.next_offset
    for record in records:
        await calm.handle(record)
        await marked(known)
    assert len(await evidence.dead_letters()) == 2
    assert hits(known) <= 2


async def test_redriven_dead_letters_bypass_the_filter(
    replica: Replica, known: ChunkFilter, batch_id: UUID
) -> None:
    records = await _filled(replica, known, batch_id, 1)
    header = [(REDRIVEN_FROM_HEADER, b"in-0@1")]
    await replica.handle(InputRecord(Partition("in", 0), 0, None, records[0], header, -1))
    assert hits(known) == 0


async def test_a_replay_of_input_bypasses_the_filter(
    replica: Replica, known: ChunkFilter, connection: Any, batch_id: UUID
) -> None:
    """An operator moves a position back: no mark from before is believed, wherever it stands."""
    records = await _filled(replica, known, batch_id, 5)
    await replica.handle(*records)
    assert hits(known) == 5
    await connection.execute("UPDATE position SET next_offset = 6 WHERE partition = 0")
    replica.next_offset[0] = 6
    await replica.handle(*records)
    assert hits(known) == 5
    await marked(known)
    await replica.handle(*records)
    assert hits(known) == 10


async def test_a_stale_positive_is_impossible_when_the_database_loses_commits(
    replica: Replica, known: ChunkFilter, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    """A failover to a standby that lacked them: effects and position go back together, marks stay."""
    records = await _filled(replica, known, batch_id, 5)
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")  # no trigger tells
        await connection.execute("UPDATE position SET next_offset = 1 WHERE partition = 0")
        await connection.execute(
            "UPDATE slot SET state = 'open', text_storage_id = NULL, file_upload_id = NULL,"
            " original_file_name = NULL, raw_file_storage_id = NULL, file_size_bytes = NULL,"
            " content_md5_hash = NULL"
        )
        await connection.execute("UPDATE batch SET open_count = 20, filled_count = 0")
    assert await evidence.filled_slots() == 0
    other_partition = records[4:]
    await replica.handle(*other_partition, partition=7)
    assert await evidence.filled_slots() == 1
    replica.next_offset[0] = 1
    await replica.handle(*records)
    assert await evidence.filled_slots() == 5
    assert hits(known) <= 1  # what was handled again in the other partition, and marked there


async def test_marks_of_another_database_are_not_believed(
    replica: Replica, known: ChunkFilter, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    """Two deployments that share a Redis by mistake, the same group, the same events."""
    records = await _filled(replica, known, batch_id, 5)
    await connection.execute("UPDATE replay SET life = gen_random_uuid()")
    await replica.handle(*records)
    assert hits(known) == 0


async def test_notes_that_are_garbage_are_not_believed(
    replica: Replica, known: ChunkFilter, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 20))
    chunk = await replica.chunk(*contents(batch_id, 3))
    ids = [item.envelope.event_id.bytes for item in chunk.received(MODELS)]
    await known.filter.mark({ids[0]: b""})
    await known.filter.mark({ids[1]: b"x" * 32, ids[2]: bytes(32)})
    await replica.process(chunk)
    assert await evidence.filled_slots() == 3


async def test_without_an_answer_in_time_chunks_go_on_at_once(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    """A server that accepts and says nothing: one chunk waits for its budget, the next do not ask."""
    connections: list[asyncio.StreamWriter] = []

    async def silence(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    coordination = Coordination(f"redis://127.0.0.1:{port}/0", None)  # type: ignore[arg-type]
    known = ChunkFilter(coordination, coordination.idempotency_filter(GROUP), GROUP, MODELS, 0.1)
    replica = await replicas("unanswered", known=known)
    await replica.handle(registration(batch_id, 20))
    waits = []
    for n in range(10):
        began = time.monotonic()
        await known.look_up(await replica.chunk(*contents(batch_id, 1, first=n)))
        waits.append(time.monotonic() - began)
        replica.next_offset[0] -= 1
        await replica.handle(*contents(batch_id, 1, first=n))
    assert await evidence.filled_slots() == 10
    assert sum(wait > 0.09 for wait in waits) <= 2
    await known.close()
    for writer in connections:
        writer.close()
    server.close()


async def test_a_key_of_another_kind_does_not_fail_a_chunk(
    replica: Replica, known: ChunkFilter, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 20))
    await known.filter._server.command("SET", known.filter._marks, "not a hash")
    await replica.handle(*contents(batch_id, 3))
    assert await evidence.filled_slots() == 3
    assert await evidence.dead_letters() == []


def test_without_the_filter_redis_is_not_even_imported() -> None:
    program = (
        "import sys, essay_lifecycle_service.__main__, rollcall.instance;"
        "print([m for m in sys.modules if m == 'redis' or m.startswith('rollcall.coordination')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("changes", [{"filter_enabled": True}])
def test_a_filter_without_redis_is_refused(changes: dict[str, Any]) -> None:
    from rollcall import ServiceSettings

    with pytest.raises(ValueError, match="ROLLCALL_REDIS_URL"):
        ServiceSettings(redis_url=None, **changes)
