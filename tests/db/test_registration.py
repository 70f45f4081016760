"""A batch is opened by its first registration; repetitions change nothing, contradictions are kept."""

import asyncio
import uuid
from typing import Any
from uuid import UUID

import pytest

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysRegisteredV1,
    DeadLetterV1,
)
from tests.db.conftest import OpenReplica
from tests.db.events import content, contents, essay_id, message, registration
from tests.db.evidence import Evidence
from tests.db.replica import Replica


def contradictions(batch_id: UUID) -> list[BatchEssaysRegisteredV1]:
    """Registrations that differ from `registration(batch_id, 2)` in one respect each."""
    return [
        registration(batch_id, 3),
        registration(batch_id, 2, essay_ids=["other", essay_id(1)]),
        registration(batch_id, 2, essay_ids=[essay_id(1), essay_id(0)]),
        registration(batch_id, 2, course_code="ENG-102"),
        registration(batch_id, 2, essay_instructions="Something else."),
        registration(batch_id, 2, user_id="teacher-18"),
    ]


async def test_registration_opens_a_slot_for_each_essay_in_their_order(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    essays = ["zeta", "alpha", "mu"]
    await replica.handle(registration(batch_id, 3, essay_ids=essays))
    slots = await evidence.slots(batch_id)
    assert [(slot["position"], slot["essay_id"]) for slot in slots] == list(enumerate(essays))
    assert await evidence.counts(batch_id) == (0, 0, 3)


async def test_an_identical_registration_later_changes_nothing(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    """Also with another event id and correlation id: what counts is what it says."""
    await replica.handle(registration(batch_id, 2), content(batch_id, "text"))
    before = await evidence.batch(batch_id)
    await replica.handle(message(registration(batch_id, 2), correlation_id=uuid.uuid4()))
    assert await evidence.batch(batch_id) == before
    assert await evidence.counts(batch_id) == (1, 0, 1)
    assert await evidence.dead_letters() == []


async def test_an_identical_registration_of_a_completed_batch_changes_nothing(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1), content(batch_id, "text"))
    await replica.handle(registration(batch_id, 1))
    assert (await evidence.batch(batch_id))["state"] == "completed"
    assert await evidence.dead_letters() == []


async def test_identical_registrations_in_one_chunk_open_one_batch(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(*[registration(batch_id, 2)] * 3)
    assert await evidence.counts(batch_id) == (0, 0, 2)
    assert await evidence.dead_letters() == []


async def test_identical_registrations_at_once_open_one_batch(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    four = [await replicas(name) for name in "abcd"]
    await asyncio.gather(
        *(one.handle(registration(batch_id, 5), partition=n) for n, one in enumerate(four))
    )
    assert await evidence.counts(batch_id) == (0, 0, 5)
    assert await evidence.dead_letters() == []


@pytest.mark.parametrize("together", [False, True], ids=["later", "in_one_chunk"])
async def test_every_contradiction_of_the_first_registration_is_a_dead_letter(
    replica: Replica, evidence: Evidence, batch_id: UUID, together: bool
) -> None:
    first, others = registration(batch_id, 2), contradictions(batch_id)
    if together:
        await replica.handle(first, *others)
    else:
        await replica.handle(first)
        await replica.handle(*others)

    letters = await evidence.dead_letters()
    assert [letter["error_type"] for letter in letters] == ["contradicting_registration"] * 6
    assert [letter["record_offset"] for letter in letters] == list(range(1, 7))
    assert len(await evidence.announced(DeadLetterV1)) == 6
    assert await evidence.counts(batch_id) == (0, 0, 2)


async def test_of_contradicting_registrations_at_once_one_wins_and_the_others_are_dead_letters(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    four = [await replicas(name) for name in "abcd"]
    await asyncio.gather(
        *(one.handle(registration(batch_id, n + 1), partition=n) for n, one in enumerate(four))
    )
    winner = (await evidence.batch(batch_id))["expected_count"]
    assert len(await evidence.slots(batch_id)) == winner
    losers = [letter["partition"] + 1 for letter in await evidence.dead_letters()]
    assert sorted([winner, *losers]) == [1, 2, 3, 4]


async def test_the_rest_of_a_chunk_with_a_contradiction_takes_effect(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    other = uuid.uuid4()
    await replica.handle(registration(batch_id, 2))
    await replica.handle(
        registration(batch_id, 9),
        registration(other, 1),
        content(other, "a"),
        content(batch_id, "b"),
    )
    assert await evidence.counts(other) == (1, 0, 0)
    assert await evidence.counts(batch_id) == (1, 0, 1)


@pytest.mark.parametrize("there", [[], [0], [1, 2]], ids=["no_slot", "the_first", "the_last_two"])
async def test_a_half_registered_batch_is_repaired_by_its_registration_sent_again(
    replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID, there: list[int]
) -> None:
    """No transaction of ours leaves one; a restored table or a hand may. It completes afterwards."""
    again = registration(batch_id, 3)
    await replica.handle(again)
    await connection.execute(
        "DELETE FROM slot WHERE batch_id = $1 AND position <> ALL($2::int[])", batch_id, there
    )
    await replica.handle(*contents(batch_id, 3))
    assert len(await evidence.unplaced(batch_id, "pending")) == 3 - len(there)

    await replica.handle(again)

    assert await evidence.counts(batch_id) == (3, 0, 0)
    assert [slot["essay_id"] for slot in await evidence.slots(batch_id)] == list(again.essay_ids)
    (completed,) = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert completed.provisioned_count == 3
    assert await evidence.dead_letters() == []


async def test_a_half_registered_batch_is_not_repaired_by_a_contradiction(
    replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2))
    await connection.execute("DELETE FROM slot WHERE batch_id = $1", batch_id)
    await replica.handle(registration(batch_id, 2, course_code="ENG-102"))
    assert await evidence.slots(batch_id) == []
    assert len(await evidence.dead_letters()) == 1


async def test_several_replicas_that_repair_a_batch_open_each_slot_once(
    replicas: OpenReplica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    four = [await replicas(name) for name in "abcd"]
    await four[0].handle(registration(batch_id, 5), partition=9)
    await connection.execute("DELETE FROM slot WHERE batch_id = $1 AND position > 1", batch_id)
    await asyncio.gather(
        *(one.handle(registration(batch_id, 5), partition=n) for n, one in enumerate(four))
    )
    assert await evidence.counts(batch_id) == (0, 0, 5)
