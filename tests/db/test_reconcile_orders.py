"""What operators ordered after the moment that a database is restored to: found in Kafka, and true again."""

from typing import Any
from uuid import UUID

import pytest

from essay_lifecycle_service.domain.deadline import State
from essay_lifecycle_service.operations import BatchOperations
from rollcall.outbox.segment import SegmentCodec
from rollcall_cluster.reconcile.reconciling import Reconciled
from rollcall_events import EventData, ExcessContentProvisionedV1
from rollcall_events.topics import topic_for
from tests.db.conftest import OpenReplica
from tests.db.deadlines import CLOSE, KEEP_OPEN, Let, with_deadline
from tests.db.events import content, failure, registration
from tests.db.evidence import Evidence
from tests.db.orders import BY_HAND, audited, hand_on
from tests.db.replica import LANES
from tests.db.restored import Deployment, Published, Story, newest

NOTHING = dict.fromkeys(range(LANES), 0)
BATCH = """
SELECT state, open_count, filled_count, failed_count, missing_count, deadline_policy, timed_out_at,
       completed_at IS NULL, closed_at IS NULL, forced_at IS NULL
FROM batch WHERE batch_id = $1
"""
CLAIMS = """
SELECT 'slot', position::text, state, text_storage_id, file_upload_id FROM slot WHERE batch_id = $1
UNION ALL
SELECT kind, identity, outcome, NULL, NULL FROM unplaced WHERE batch_id = $1
ORDER BY 1, 2
"""

_A_MINUTE_AGO = """
UPDATE batch SET registered_at = registered_at - interval '1 min', deadline_at = deadline_at - interval '1 min'
"""


@pytest.fixture
def hand(database: str) -> BatchOperations:
    """The operator's hand."""
    return hand_on(database)


class Restored:
    """A batch's chunks of input; what was published of it; and its database, restored."""

    def __init__(self, deployment: Deployment, batch_id: UUID) -> None:
        self.deployment = deployment
        self.batch_id = batch_id
        self.before: list[Any] = []
        self.published: list[Published] = []

    async def lose(self, known_chunks: int) -> None:
        """Back to the moment after so many chunks; all that was published stays."""
        self.before = await self.told()
        self.published = await self.deployment.segments()
        await self.deployment.begin()
        await self.deployment.handle(known_chunks)
        await self.deployment.connection.execute(_A_MINUTE_AGO)
        await self.deployment.publish(1.0)

    async def reconcile(self) -> Reconciled:
        """On what the database still knows."""
        rows = await self.deployment.connection.fetch("SELECT lane, last_seq FROM lane")
        known = {row["lane"]: row["last_seq"] for row in rows}
        return await self.deployment.reconcile(self.published, known, newest(self.published))

    async def told(self) -> list[Any]:
        """The batch, its slots and its claims."""
        connection = self.deployment.connection
        batch = await connection.fetchrow(BATCH, self.batch_id)
        return [batch, await connection.fetch(CLAIMS, self.batch_id)]


@pytest.fixture
async def restored(replicas: OpenReplica, connection: Any, batch_id: UUID) -> Restored:
    """A deployment with an empty database and no story yet."""
    story = Story((batch_id, batch_id, batch_id), [])
    deployment = Deployment(connection, await replicas(), story)
    await deployment.begin()
    return Restored(deployment, batch_id)


async def happen(restored: Restored, *chunks: list[EventData | bytes]) -> None:
    """Handle chunks that come in."""
    for chunk in chunks:
        restored.deployment.story.chunks.append(chunk)
        await restored.deployment.replica.handle(*chunk)


@pytest.mark.parametrize("known_chunks", [0, 1])
@pytest.mark.parametrize("policy", [None, CLOSE])
@pytest.mark.parametrize("state", ["completed", "closed"])
async def test_a_batch_that_was_ended_by_hand_ends_in_the_same_way_again(
    restored: Restored,
    hand: BatchOperations,
    connection: Any,
    batch_id: UUID,
    known_chunks: int,
    policy: Any,
    state: State,
) -> None:
    """Its deadline had not passed; a content came too late for it."""
    start = with_deadline(batch_id, 4, policy) if policy else registration(batch_id, 4)
    await happen(restored, [start, content(batch_id, "a")], [failure(batch_id, "f")])
    await hand.end(batch_id, state, BY_HAND)
    await happen(restored, [content(batch_id, "late")])
    await restored.lose(known_chunks)
    done = await restored.reconcile()

    if (known_chunks, policy, state) == (0, CLOSE, "closed"):
        # Registered anew: the announcement is the one that its deadline would have caused.
        assert done.orders == 0
    else:
        assert done.orders == 1
        assert await restored.told() == restored.before
        (entry,) = await audited(connection)
        assert entry.action == {"completed": "complete", "closed": "close"}[state]
        assert (entry.before["state"], entry.after["state"]) == ("open", state)
    assert await connection.fetchval("SELECT state FROM batch") == state

    await restored.deployment.handle_rest(known_chunks)
    assert await restored.deployment.segments() == []


async def test_a_close_that_was_not_announced_is_told_with_the_order_to_repeat(
    restored: Restored,
    hand: BatchOperations,
    batch_id: UUID,
    let_deadline_pass: Let,
) -> None:
    """The batch had timed out before and stayed open; only what came too late tells of its end."""
    await happen(restored, [with_deadline(batch_id, 3, KEEP_OPEN)])
    await let_deadline_pass(batch_id)
    await restored.deployment.replica.sweep()
    await hand.end(batch_id, "closed", BY_HAND)
    await happen(restored, [content(batch_id, "late")])
    await restored.lose(1)
    done = await restored.reconcile()
    assert done.closed_unannounced == [str(batch_id)]

    await hand.end(batch_id, "closed", BY_HAND)
    told = await restored.told()
    assert told[0]["state"] == "closed"
    assert told[1] == restored.before[1]


@pytest.mark.parametrize("known_chunks", [0, 1])
async def test_a_slot_that_was_given_to_another_content_is_given_to_it_again(
    restored: Restored,
    hand: BatchOperations,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    known_chunks: int,
) -> None:
    """The entry of the audit has the number that the published corrections carry."""
    first = [registration(batch_id, 2), content(batch_id, "a"), failure(batch_id, "f")]
    await happen(restored, first, [content(batch_id, "late"), content(batch_id, "later")])
    await connection.execute("SELECT setval('operator_audit_id_seq', 40)")
    slots = await evidence.slots(batch_id)
    essays = {slot["state"]: slot["essay_id"] for slot in slots}
    await hand.reassign(batch_id, essays["filled"], "late", BY_HAND)
    await hand.reassign(batch_id, essays["failed"], "later", BY_HAND)
    entries = await audited(connection)
    await restored.lose(known_chunks)
    done = await restored.reconcile()

    assert done.orders == 2
    assert await restored.told() == restored.before
    written = await audited(connection)
    assert [(e.id, e.subject, e.before, e.after) for e in written] == [
        (e.id, e.subject, e.before, e.after) for e in entries
    ]
    await restored.deployment.handle_rest(known_chunks)
    assert await restored.deployment.segments() == []
    await hand.replay(batch_id, BY_HAND)
    assert (await audited(connection))[-1].id > entries[-1].id


@pytest.mark.parametrize("known_chunks", [0, 1])
async def test_what_was_published_once_more_is_no_second_truth(
    restored: Restored,
    hand: BatchOperations,
    connection: Any,
    batch_id: UUID,
    known_chunks: int,
) -> None:
    await happen(restored, [registration(batch_id, 1), content(batch_id, "a")])
    await happen(restored, [content(batch_id, "late")])
    replayed = await hand.replay(batch_id, BY_HAND)
    entries = await audited(connection)
    await restored.lose(known_chunks)
    done = await restored.reconcile()

    assert done.orders == 1
    assert await restored.told() == restored.before
    (entry,) = await audited(connection)
    assert (entry.id, entry.action, entry.subject) == (
        entries[0].id,
        "replay-output",
        str(batch_id),
    )
    assert entry.after["events"] == replayed.events
    await restored.deployment.handle_rest(known_chunks)
    assert await restored.deployment.segments() == []


async def test_a_replay_that_waits_and_was_published_is_not_published_again(
    restored: Restored, hand: BatchOperations, connection: Any, batch_id: UUID
) -> None:
    """The restored moment lies between the order and its publication."""
    await happen(restored, [registration(batch_id, 1), content(batch_id, "a")])
    await hand.replay(batch_id, BY_HAND)
    all_segments = await restored.deployment.segments()
    done = await restored.deployment.reconcile(all_segments, NOTHING, newest(all_segments))
    assert done.segments_dropped == len(all_segments)
    assert done.orders == 0
    assert len(await audited(connection)) == 1


async def test_an_excess_that_was_announced_twice_is_written_back_once(
    restored: Restored, batch_id: UUID
) -> None:
    """As of a batch that was purged."""
    await happen(restored, [registration(batch_id, 1), content(batch_id, "a")])
    await happen(restored, [content(batch_id, "late")])
    await restored.lose(1)
    (again,) = filter(_tells_of_excess, restored.published)
    numbers = newest(restored.published)
    restored.published.append(again._replace(seq=numbers[again.lane] + 1))
    done = await restored.reconcile()
    assert done.excess == 1


def _tells_of_excess(segment: Published) -> bool:
    topic = topic_for(ExcessContentProvisionedV1).name
    return any(record.topic == topic for record in SegmentCodec().decode(segment.payload))
