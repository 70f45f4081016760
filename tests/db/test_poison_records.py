"""A record that no transaction can take stands alone in the end: kept, announced and passed over."""

import asyncio
import base64
import json
import random
from collections.abc import Sequence
from errno import ENAMETOOLONG, ENOENT
from typing import Any
from uuid import UUID

import pytest

from rollcall import Received, Transaction
from rollcall.consumer.records import InputRecord, Partition
from rollcall_events import DeadLetterV1, EssayContentProvisionedV1, EssaySlotAssignedV1
from tests.db.conftest import OpenReplica
from tests.db.events import content, contents, message, registration
from tests.db.evidence import Evidence
from tests.db.replica import Hook, Replica
from tests.eventually import DEADLINE_SECONDS


class PoisonError(Exception):
    """What the handler of a poison record raises."""


def refuse(*texts: str, error: Exception | None = None) -> Hook:
    """A handler that fails for the contents `texts`, whatever else is in their chunk."""

    async def handler(received: Sequence[Received[Any]], _: Transaction) -> None:
        for item in received:
            if isinstance(item.data, EssayContentProvisionedV1) and (
                item.data.text_storage_id in texts
            ):
                raise error or PoisonError(f"cannot take {item.data.text_storage_id}")

    return handler


def index(text_storage_id: str) -> Hook:
    """A handler that writes each content under an index, one of them as more than an index can take."""
    long = base64.b64encode(random.Random(1).randbytes(6000)).decode()  # does not compress

    async def handler(received: Sequence[Received[Any]], tx: Transaction) -> None:
        texts = [
            item.data.text_storage_id
            for item in received
            if isinstance(item.data, EssayContentProvisionedV1)
        ]
        await tx.connection.execute(
            "INSERT INTO periodic_job (name, started_at) SELECT unnest($1::text[]), now()",
            [long if text == text_storage_id else text for text in texts],
        )

    return handler


def raw(
    value: bytes,
    key: bytes | None = b"key",
    headers: Sequence[tuple[str, bytes]] = (),
    timestamp_ms: int = 1_767_225_600_000,
) -> InputRecord:
    """A record as it was read, its place still to be given."""
    return InputRecord(Partition("in", 0), 0, key, value, headers, timestamp_ms)


async def test_one_poison_record_among_many_is_found_and_the_others_take_effect_once(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    replica = await replicas(after=refuse("text-00019"))
    await replica.handle(registration(batch_id, 40), *contents(batch_id, 40))

    (letter,) = await evidence.dead_letters()
    assert (letter["record_offset"], letter["error_type"]) == (20, "PoisonError")
    assert await evidence.counts(batch_id) == (39, 0, 1)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 39
    assert await evidence.positions() == {0: 41}


async def test_a_record_that_is_met_again_is_announced_once(
    replicas: OpenReplica, evidence: Evidence, connection: Any, batch_id: UUID
) -> None:
    """Its position was moved back: the row counts the attempts, the first announcement stands."""
    replica = await replicas(after=refuse("text-00001"))
    records = list(map(message, [registration(batch_id, 2), *contents(batch_id, 2)]))
    await replica.handle(*records)
    (once,) = await evidence.dead_letters()
    await connection.execute("UPDATE position SET next_offset = 0")
    replica.next_offset[0] = 0
    await replica.handle(*records, b"{")

    first, new = await evidence.dead_letters()
    assert first["attempts"] > once["attempts"]
    announced = [letter.origin_offset for letter in await evidence.announced(DeadLetterV1)]
    assert announced == [first["record_offset"], new["record_offset"]]


async def test_another_record_at_the_same_offset_is_another_dead_letter(
    replicas: OpenReplica, evidence: Evidence, connection: Any
) -> None:
    """Its topic was lost and made again: the new record is kept and announced, too."""
    replica = await replicas()
    await replica.handle(b"{")
    await connection.execute("UPDATE position SET next_offset = 0")
    await connection.execute("UPDATE dead_letter SET attempts = 7, state = 'redriven'")
    replica.next_offset[0] = 0
    await replica.handle(b"[")

    (letter,) = await evidence.dead_letters()
    assert (letter["record_value"], letter["attempts"], letter["state"]) == (b"[", 1, "dead")
    announced = await evidence.announced(DeadLetterV1)
    assert [each.value_base64 for each in announced] == ["ew==", "Ww=="]


async def test_a_record_too_long_for_an_index_is_found_among_many(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    replica = await replicas(after=index("text-00003"))
    async with asyncio.timeout(DEADLINE_SECONDS):
        await replica.handle(registration(batch_id, 8), *contents(batch_id, 8))

    (letter,) = await evidence.dead_letters()
    assert (letter["record_offset"], letter["error_type"]) == (4, "ProgramLimitExceededError")
    assert "exceeds btree" in letter["error_message"]
    assert await evidence.counts(batch_id) == (7, 0, 1)
    assert await evidence.positions() == {0: 9}


async def test_a_poison_record_tells_how_it_was_found(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    replica = await replicas("finder", after=refuse("text-00001"))
    await replica.handle(registration(batch_id, 3), *contents(batch_id, 3))

    (letter,) = await evidence.dead_letters()
    trace = json.loads(letter["bisection_trace"])
    assert [line.partition(":")[0] for line in trace] == [
        "in-0@0..in-0@3",
        "in-0@2..in-0@3",
        "in-0@2..in-0@2",
    ]
    assert letter["attempts"] == len(trace) + 1
    assert letter["error_message"] == "cannot take text-00001"
    assert letter["instance_id"] == "finder"
    assert len(letter["stack_fingerprint"]) == 16


async def test_equal_bugs_have_equal_fingerprints(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    replica = await replicas(after=refuse("text-00000", "text-00002"))
    await replica.handle(registration(batch_id, 3), *contents(batch_id, 3))
    assert len({letter["stack_fingerprint"] for letter in await evidence.dead_letters()}) == 1


async def test_every_poison_record_of_a_chunk_is_found(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    poison = ["text-00000", "text-00007", "text-00008", "text-00019"]
    replica = await replicas(after=refuse(*poison))
    await replica.handle(registration(batch_id, 20), *contents(batch_id, 20))
    assert [letter["record_offset"] for letter in await evidence.dead_letters()] == [1, 8, 9, 20]
    assert await evidence.counts(batch_id) == (16, 0, 4)
    assert await evidence.positions() == {0: 21}


async def test_a_chunk_of_poison_alone_moves_past_it(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    replica = await replicas(after=refuse("a", "b"))
    await replica.handle(content(batch_id, "a"), content(batch_id, "b"))
    assert len(await evidence.dead_letters()) == 2
    assert await evidence.positions() == {0: 2}


async def test_the_announcement_of_a_dead_letter_holds_the_whole_record(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    replica = await replicas("finder", after=refuse("poison"))
    value = message(content(batch_id, "poison"))
    await replica.handle(raw(value, headers=(("trace", b"\xff\x00"),)), partition=3)

    (announced,) = await evidence.announced(DeadLetterV1)
    assert base64.b64decode(announced.value_base64 or "") == value
    assert base64.b64decode(announced.key_base64 or "") == b"key"
    assert [(h.name, h.value_base64) for h in announced.headers] == [("trace", "/wA=")]
    assert (announced.origin_topic, announced.origin_partition, announced.origin_offset) == (
        "in",
        3,
        0,
    )
    assert (announced.error_type, announced.instance_id) == ("PoisonError", "finder")


async def test_a_poison_record_does_not_disturb_a_broken_one_beside_it(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    replica = await replicas(after=refuse("text-00001"))
    await replica.handle(registration(batch_id, 2), b"not JSON", *contents(batch_id, 2), b"[1]")
    letters = await evidence.dead_letters()
    assert [(letter["record_offset"], letter["error_type"]) for letter in letters] == [
        (1, "malformed"),
        (3, "PoisonError"),
        (4, "malformed"),
    ]
    assert await evidence.counts(batch_id) == (1, 0, 1)


@pytest.mark.parametrize(
    "nasty",
    [
        pytest.param({"key": b"\x00\xff"}, id="binary_key"),
        pytest.param({"key": None}, id="no_key"),
        pytest.param({"headers": (("na\x00me", b"\x00"), ("", None))}, id="odd_headers"),
        pytest.param({"headers": (("\ud800", b""),)}, id="header_name_is_no_unicode"),
        pytest.param({"timestamp_ms": 2**62}, id="timestamp_beyond_the_calendar"),
        pytest.param({"timestamp_ms": -(2**62)}, id="timestamp_before_the_calendar"),
    ],
)
async def test_a_broken_record_is_kept_whatever_surrounds_its_value(
    replica: Replica, evidence: Evidence, batch_id: UUID, nasty: dict[str, Any]
) -> None:
    await replica.handle(raw(b"\x00\xff not JSON", **nasty), registration(batch_id, 1))
    (letter,) = await evidence.dead_letters()
    assert letter["record_value"] == b"\x00\xff not JSON"
    assert len(await evidence.announced(DeadLetterV1)) == 1
    assert await evidence.counts(batch_id) == (0, 0, 1)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ValueError("NUL \x00 inside"), id="nul"),
        pytest.param(ValueError("half a surrogate \udc80"), id="surrogate"),
        pytest.param(ValueError("x" * 1_000_000), id="very_long"),
        pytest.param(KeyError(), id="no_message"),
        pytest.param(FileNotFoundError(ENOENT, "No such file", "one.txt"), id="no_file"),
        pytest.param(OSError(ENAMETOOLONG, "File name too long", "x" * 300), id="long_name"),
    ],
)
async def test_a_poison_record_is_kept_whatever_its_error_says(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID, error: Exception
) -> None:
    replica = await replicas(after=refuse("poison", error=error))
    await replica.handle(content(batch_id, "poison"), registration(batch_id, 1))
    (letter,) = await evidence.dead_letters()
    assert letter["error_type"] == type(error).__name__
    assert len(await evidence.announced(DeadLetterV1)) == 1
    assert await evidence.counts(batch_id) == (0, 0, 1)


async def test_a_record_that_was_refused_before_counts_its_attempts(
    replica: Replica, connection: Any, evidence: Evidence
) -> None:
    """An operator put the position back: the dead letter is the same one."""
    await replica.handle(b"not JSON")
    await connection.execute("UPDATE position SET next_offset = 0")
    replica.next_offset[0] = 0
    await replica.handle(b"not JSON")
    (letter,) = await evidence.dead_letters()
    assert letter["attempts"] == 2
    assert len({event.event_id for event in await evidence.envelopes(DeadLetterV1)}) == 1
