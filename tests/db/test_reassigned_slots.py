"""Slots that an operator gives to another content, once the batch has ended."""

from typing import Any
from uuid import UUID

import pytest

from essay_lifecycle_service.operations import BatchOperations
from rollcall.errors import OperatorError
from rollcall.operations.runner import CORRECTION_HEADER
from rollcall_events import BatchContentProvisioningCompletedV1
from tests.db.deadlines import CLOSE, COMPLETE_PARTIAL, Let, with_deadline
from tests.db.events import content, contents, failure, registration
from tests.db.evidence import Evidence
from tests.db.orders import BY_HAND, TRIED, audited, marked, tried_in_vain
from tests.db.replica import Replica


async def test_a_slot_is_given_to_a_content_that_got_none(
    hand: BatchOperations, replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    """What held it becomes excess; both are announced, marked; the completion is not."""
    await replica.handle(registration(batch_id, 2), *contents(batch_id, 2))
    await replica.handle(content(batch_id, "better"))
    essay = (await evidence.slots(batch_id))[1]["essay_id"]
    tried = await tried_in_vain(connection, hand.reassign(batch_id, essay, "better", TRIED))
    done = await hand.reassign(batch_id, essay, "better", BY_HAND)
    assert (tried.after, tried.events) == (done.after, done.events)
    first, displaced = (f"text-{number:05d}" for number in range(2))
    assert await evidence.texts(batch_id) == [first, "better"]
    assert await evidence.unplaced(batch_id, "excess") == [displaced]
    assert await evidence.counts(batch_id) == (2, 0, 0)
    (entry,) = await audited(connection)
    assert (entry.action, entry.subject) == ("reassign", f"{batch_id}/{essay}")
    assert entry.before["slot"]["text_storage_id"] == displaced
    assert entry.after["slot"]["text_storage_id"] == "better"
    records = await marked(connection, CORRECTION_HEADER)
    assert [(r.topic, dict(r.headers)[CORRECTION_HEADER]) for r in records] == [
        ("els.essay.slot.assigned.v1", b"%d" % entry.id),
        ("els.excess.content.provisioned.v1", b"%d" % entry.id),
    ]
    assert len(await evidence.announced(BatchContentProvisioningCompletedV1)) == 1
    await replica.handle(content(batch_id, "better"), content(batch_id, displaced))
    assert await evidence.unplaced(batch_id, "excess") == [displaced]


async def test_a_slot_that_a_failure_or_a_deadline_took_is_given_to_a_late_content(
    hand: BatchOperations,
    replica: Replica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(with_deadline(batch_id, 3, COMPLETE_PARTIAL), failure(batch_id, "broken"))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    await replica.handle(content(batch_id, "mended"), content(batch_id, "late"))
    essays = [slot["essay_id"] for slot in await evidence.slots(batch_id)]
    await hand.reassign(batch_id, essays[0], "mended", BY_HAND)
    done = await hand.reassign(batch_id, essays[1], "late", BY_HAND)
    assert {"filled": 2, "failed": 0, "missing": 1}.items() <= done.after.items()
    assert await evidence.counts(batch_id) == (2, 0, 0)
    assert await evidence.unplaced(batch_id, "excess") == ["broken"]
    assert len(await marked(connection, CORRECTION_HEADER)) == 2


async def test_a_reassignment_that_cannot_be_announced_or_means_nothing_is_refused(
    hand: BatchOperations, replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2), content(batch_id, "text-00000"))
    essay = (await evidence.slots(batch_id))[0]["essay_id"]

    async def refused(match: str, essay_id: str = essay, text: str = "spare") -> None:
        with pytest.raises(OperatorError, match=match):
            await hand.reassign(batch_id, essay_id, text, BY_HAND)

    await refused("is open")
    await replica.handle(*contents(batch_id, 2), content(batch_id, "spare"))
    await refused("no essay", essay_id="none")
    await refused("without a slot", text="unheard-of")
    await refused("without a slot", text="text-00001")
    await hand.reassign(batch_id, essay, "spare", BY_HAND)
    await refused("spare|text-00000 was moved by hand before", text="text-00000")
    assert len(await audited(connection)) == 1


async def test_the_last_missing_slot_of_a_closed_batch_is_not_filled(
    hand: BatchOperations,
    replica: Replica,
    evidence: Evidence,
    batch_id: UUID,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(with_deadline(batch_id, 1, CLOSE))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    await replica.handle(content(batch_id, "late"))
    (slot,) = await evidence.slots(batch_id)
    with pytest.raises(OperatorError, match="closed for this one missing essay"):
        await hand.reassign(batch_id, slot["essay_id"], "late", BY_HAND)
