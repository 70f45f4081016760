"""The filter while its Redis is down, slow, read-only, full or flushed: exactly correct, and at full speed."""

import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from rollcall.coordination import Coordination
from rollcall.coordination.chunk_filter import ChunkFilter
from rollcall_events import EssayContentProvisionedV1
from tests.coordination.own_servers import OwnRedis
from tests.coordination.troubles import TROUBLES, Trouble
from tests.db.conftest import OpenReplica
from tests.db.events import contents, message, registration
from tests.db.evidence import Evidence
from tests.db.replica import Replica
from tests.eventually import eventually

GROUP = "essay-lifecycle-service"
BUDGET_SECONDS = 0.2
CHUNKS = 8


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    redis = OwnRedis(tmp_path / "redis")
    redis.start()
    yield redis
    if redis.pid:
        redis.thaw()
    redis.wipe()


@pytest_asyncio.fixture
async def known(redis: OwnRedis) -> AsyncIterator[ChunkFilter]:
    prefix = f"t{uuid.uuid4().hex[:10]}"
    coordination = Coordination(redis.address, None, prefix=prefix)  # type: ignore[arg-type]
    marks = coordination.idempotency_filter(GROUP)
    known = ChunkFilter(coordination, marks, GROUP, [EssayContentProvisionedV1], BUDGET_SECONDS)
    yield known
    await known.close()


@pytest_asyncio.fixture
async def replica(replicas: OpenReplica, known: ChunkFilter) -> Replica:
    return await replicas("filtering", known=known)


def _hits(known: ChunkFilter) -> int:
    return int(known.metrics.filter_hits_total._value.get())


async def _is_left_out(replica: Replica, known: ChunkFilter, records: list[bytes]) -> bool:
    """Handle them once more: marks them, or leaves them out."""
    before = _hits(known)
    await replica.handle(*records)
    if known.marking is not None:
        await known.marking
    return _hits(known) == before + len(records)


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
async def test_chunks_are_handled_exactly_and_do_not_wait_for_redis(
    replica: Replica,
    known: ChunkFilter,
    redis: OwnRedis,
    evidence: Evidence,
    batch_id: UUID,
    trouble: Trouble,
) -> None:
    """Old records and a new one in each chunk; a look-up waits for its budget twice in all at most."""
    await replica.handle(registration(batch_id, 20))
    old = [message(content) for content in contents(batch_id, 5)]
    await eventually(lambda: _is_left_out(replica, known, old), message="old records are left out")
    waits = []
    async with trouble(redis):
        for n in range(CHUNKS):
            records = [*old, message(contents(batch_id, 1, first=5 + n)[0])]
            began = time.monotonic()
            await known.look_up(await replica.chunk(*records))
            waits.append(time.monotonic() - began)
            replica.next_offset[0] -= len(records)
            await replica.handle(*records)
        assert await evidence.filled_slots() == 5 + CHUNKS
    assert sum(wait > BUDGET_SECONDS * 0.9 for wait in waits) <= 2
    await eventually(lambda: _is_left_out(replica, known, old), message="left out again")
    assert await evidence.filled_slots() == 5 + CHUNKS


async def test_flushed_it_starts_anew(
    replica: Replica, known: ChunkFilter, redis: OwnRedis, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 20))
    old = [message(content) for content in contents(batch_id, 5)]
    await eventually(lambda: _is_left_out(replica, known, old), message="old records are left out")
    await redis.ask("FLUSHALL")
    assert not await _is_left_out(replica, known, old)
    await eventually(lambda: _is_left_out(replica, known, old), message="left out again")
    assert await evidence.filled_slots() == 5


async def test_it_is_asked_again_within_a_second_or_two_of_the_return_of_redis(
    replica: Replica, known: ChunkFilter, redis: OwnRedis, batch_id: UUID
) -> None:
    """After one failure the pause is a second; the clock is the circuit's own."""
    await replica.handle(registration(batch_id, 20))
    old = [message(content) for content in contents(batch_id, 5)]
    await eventually(lambda: _is_left_out(replica, known, old), message="old records are left out")
    async with TROUBLES["down"](redis):
        assert not await _is_left_out(replica, known, old)
        assert known._circuit.is_open
        assert known._circuit._closed_at - time.monotonic() <= 1.0
    await eventually(lambda: _is_left_out(replica, known, old), message="left out again")
