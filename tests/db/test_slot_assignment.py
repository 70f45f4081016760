"""Each content takes one slot of its batch, whoever handles it and however often."""

import asyncio
import uuid
from uuid import UUID

from rollcall_events import EssaySlotAssignedV1, deterministic_event_id
from tests.db.conftest import OpenReplica
from tests.db.events import CORRELATION_ID, content, contents, essay_id, message, registration
from tests.db.evidence import Evidence
from tests.db.replica import Replica


async def test_the_same_event_twenty_times_at_once_takes_one_slot(
    replica: Replica, replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    """Five replicas, four partitions each, one event in all of them."""
    await replica.handle(registration(batch_id, 20))
    others = [await replicas(f"replica-{number}", connections=4) for number in range(5)]
    same = message(content(batch_id, "text"))

    await asyncio.gather(
        *(
            other.handle(same, partition=1 + 4 * number + lane)
            for number, other in enumerate(others)
            for lane in range(4)
        )
    )

    assert await evidence.counts(batch_id) == (1, 0, 19)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 1
    assert await evidence.unplaced(batch_id, "pending") == []
    assert await evidence.unplaced(batch_id, "excess") == []


async def test_the_same_event_twenty_times_in_one_chunk_takes_one_slot(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 20), *[content(batch_id, "text")] * 20)
    assert await evidence.counts(batch_id) == (1, 0, 19)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 1


async def test_the_same_event_again_later_changes_nothing(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2), content(batch_id, "text"))
    before = await evidence.slots(batch_id)
    await replica.handle(content(batch_id, "text", original_file_name="renamed.docx"))
    assert await evidence.slots(batch_id) == before
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 1


async def test_six_contents_through_three_replicas_take_six_slots(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    three = [await replicas(name) for name in "abc"]
    await three[0].handle(registration(batch_id, 6), partition=9)
    texts = contents(batch_id, 6)

    await asyncio.gather(
        *(one.handle(*texts[n * 2 : n * 2 + 2], partition=n) for n, one in enumerate(three))
    )
    await three[0].sweep()

    assert await evidence.counts(batch_id) == (6, 0, 0)
    assigned = await evidence.announced(EssaySlotAssignedV1)
    assert sorted(item.slot_position for item in assigned) == list(range(6))
    assert sorted(item.text_storage_id for item in assigned) == sorted(
        item.text_storage_id for item in texts
    )


async def test_lowest_open_slots_are_taken_first_in_order_of_arrival(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    arrivals = ["c", "a", "d", "b"]
    await replica.handle(registration(batch_id, 6))
    await replica.handle(*(content(batch_id, text) for text in arrivals[:3]))
    await replica.handle(content(batch_id, arrivals[3]))
    assert await evidence.texts(batch_id) == [*arrivals, None, None]


async def test_two_contents_of_one_file_take_two_slots(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    """A content is its text, not the file that it came from."""
    await replica.handle(registration(batch_id, 3))
    await replica.handle(
        content(batch_id, "one", file_upload_id="file"),
        content(batch_id, "two", file_upload_id="file"),
    )
    assert await evidence.texts(batch_id) == ["one", "two", None]


async def test_the_same_content_in_two_batches_takes_a_slot_in_each(
    replica: Replica, evidence: Evidence
) -> None:
    first, second = uuid.uuid4(), uuid.uuid4()
    await replica.handle(
        registration(first, 2),
        registration(second, 2),
        content(first, "text"),
        content(second, "text"),
    )
    assert await evidence.texts(first) == await evidence.texts(second) == ["text", None]
    events = await evidence.envelopes(EssaySlotAssignedV1)
    assert len({event.event_id for event in events}) == 2


async def test_the_announcement_of_a_slot_repeats_the_content(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    provisioned = content(batch_id, "text", content_md5_hash=None)
    await replica.handle(registration(batch_id, 1), provisioned)
    (event,) = await evidence.envelopes(EssaySlotAssignedV1)
    assert event.data.model_dump() == provisioned.model_dump() | {
        "essay_id": essay_id(0),
        "slot_position": 0,
    }
    assert event.correlation_id == CORRELATION_ID
    assert event.event_id == deterministic_event_id("EssaySlotAssignedV1", batch_id, "text")


async def test_contents_of_many_batches_in_one_chunk_stay_in_their_batches(
    replica: Replica, evidence: Evidence
) -> None:
    batches = [uuid.uuid4() for _ in range(30)]
    await replica.handle(*(registration(batch_id, 3) for batch_id in batches))
    await replica.handle(
        *(content(batch_id, f"{number}-{batch_id}") for number in range(3) for batch_id in batches)
    )
    for batch_id in batches:
        assert await evidence.texts(batch_id) == [f"{number}-{batch_id}" for number in range(3)]
