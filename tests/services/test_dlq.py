"""`rollcall dlq` as it is typed, beside a running replica: what is redriven takes effect exactly once."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import pytest

from rollcall.outbox.raw_record import MAX_ADDED_BYTES
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    DeadLetterV1,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
)
from rollcall_events.topics import topic_for
from tests.auditing import assert_clean
from tests.db.dead_letters import bury
from tests.db.events import content, message, registration
from tests.db.evidence import Evidence
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.services.kafka_client import KafkaClient
from tests.services.rollcall_command import RollcallCommand

STRICT = {"ROLLCALL_RECORD_MAX_BYTES": "2048"}
"""A setting under which padded records are dead letters; without it, they are good."""

Dlq = Callable[..., Any]


@pytest.fixture
def dlq(service_environment: dict[str, str]) -> Dlq:
    """`await dlq("list", "--json")`: run `rollcall dlq` on the test's deployment."""
    return partial(RollcallCommand(service_environment), "dlq")


def padded(batch_id: UUID, text: str) -> bytes:
    """A content of more than 2048 bytes."""
    envelope = orjson.loads(message(content(batch_id, text)))
    return orjson.dumps(envelope | {"metadata": {"padding": "x" * 3000}})


async def test_what_a_fixed_release_can_take_is_redriven_and_takes_effect_once(
    service_process: StartService,
    kafka: KafkaClient,
    evidence: Evidence,
    dlq: Dlq,
    service_environment: dict[str, str],
    batch_id: UUID,
):
    model = EssayContentProvisionedV1
    await kafka.send(registration(batch_id, 3))
    for number, key in enumerate([None, b"", str(batch_id).encode()]):
        value = padded(batch_id, f"text-{number}")
        await kafka.send_raw(model, value, partition=number, key=key)
    strict = service_process(**STRICT)
    await eventually(lambda: _dead_letters(evidence, 3))
    strict.terminate()
    await strict.wait_exit()
    service_process()

    told = json.loads(await dlq("redrive", "--all", "--reason", "limit raised", "--json"))

    assert (told["touched"], told["untouched"]) == (3, [])
    (completed,) = await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    assert completed.provisioned_count == 3
    assert len(await kafka.wait_for(EssaySlotAssignedV1, 3)) == 3
    records = await kafka.records(model)
    first, again = _by_origin(records)
    assert all((first[p].key, first[p].value) == (r.key, r.value) for p, r in again.items())
    assert (len(records), len(again)) == (6, 3)
    assert await dlq("redrive", "--all") == "0 redriven\n"
    await assert_clean(service_environment)


async def test_what_fails_again_is_a_new_dead_letter_that_can_be_discarded(
    service_process: StartService,
    kafka: KafkaClient,
    evidence: Evidence,
    dlq: Dlq,
    service_environment: dict[str, str],
):
    topic = kafka.topic(EssayContentProvisionedV1)
    await kafka.send_raw(EssayContentProvisionedV1, b"\x00not JSON", partition=1)
    service_process()
    await eventually(lambda: _dead_letters(evidence, 1))

    assert "1 redriven" in await dlq("redrive", f"{topic}-1@0", "--by", "ops")
    old, new = await eventually(lambda: _dead_letters(evidence, 2))
    assert (old["state"], new["state"]) == ("redriven", "dead")
    place = f"{new['topic']}-{new['partition']}@{new['record_offset']}"
    shown = await dlq("show", place)
    assert f"header       rollcall-redriven-from = {topic}-1@0" in shown
    assert "6e 6f 74 20 4a 53 4f 4e" in shown
    assert "1 would be discarded" in await dlq("discard", "--all", "--reason", "x", "--dry-run")
    assert "1 discarded" in await dlq("discard", place, "--reason", "never was JSON")
    assert "never was JSON" in await dlq("show", place)

    assert len(await kafka.wait_for(DeadLetterV1, 2)) == 2
    await assert_clean(service_environment)


async def test_the_largest_record_that_is_redriven_does_not_hold_up_its_lane(
    service_process: StartService,
    kafka: KafkaClient,
    connection: Any,
    dlq: Dlq,
    service_environment: dict[str, str],
):
    """With odd headers, too. It is above what a replica takes, so that it dies again."""
    model = EssayContentProvisionedV1
    origin = f"{kafka.topic(model)}-0@0"
    added = len("a") + len("bc") + len("rollcall-redriven-from") + len(origin)
    place = await bury(
        connection,
        0,
        topic=kafka.topic(model),
        group=service_environment["ROLLCALL_CONSUMER_GROUP"],
        key=None,
        value=bytes(topic_for(model).max_message_bytes - MAX_ADDED_BYTES - added),
        headers=[["a", None], ["bc", ""]],
    )
    service_process("a")
    await eventually(lambda: connection.fetchval("SELECT count(*) > 0 FROM lane"))
    assert await dlq("redrive", str(place)) == "1 redriven\n  1  malformed\n"
    (letter,) = await kafka.wait_for(DeadLetterV1, 1)
    assert (letter.error_type, letter.headers[0].value_base64) == ("record_too_large", None)


async def test_the_listing_counts_pages_and_filters(
    service_process: StartService, kafka: KafkaClient, evidence: Evidence, dlq: Dlq
):
    for partition in range(3):
        await kafka.send_raw(EssayContentProvisionedV1, b"not JSON", partition=partition)
    await kafka.send_raw(EssayContentProvisionedV1, None, partition=0)
    service_process()
    await eventually(lambda: _dead_letters(evidence, 4))

    first = json.loads(await dlq("list", "--limit", "3", "--json"))
    rest = json.loads(await dlq("list", "--limit", "3", "--after", first["after"], "--json"))
    empty = json.loads(await dlq("list", "--error-type", "empty_value", "--json"))
    table = await dlq("list", "--topic", "file.essay.content.provisioned.v1", "--state", "any")

    assert (first["total"], len(first["letters"]), len(rest["letters"])) == (4, 3, 1)
    assert rest["after"] is None
    assert (empty["total"], empty["counts"][0]["error_type"]) == (1, "empty_value")
    assert "malformed" in table


async def test_a_command_that_cannot_be_carried_out_says_what_to_do(dlq: Dlq):
    assert "say --all" in await dlq("redrive", expect=1)
    assert "leave one out" in await dlq("redrive", "--all", "--text", "x", expect=1)
    assert "TOPIC-PARTITION@OFFSET" in await dlq("show", "nothing", expect=1)
    assert "--reason" in await dlq("discard", "--all", expect=2)
    assert "is no dead letter" in await dlq("redrive", "t-1@1", expect=1)
    assert "ISO 8601" in await dlq("list", "--since", "yesterday", expect=2)
    assert await dlq("list") == "no dead letters match\n"


async def _dead_letters(evidence: Evidence, count: int) -> list[Any] | None:
    rows = await evidence.dead_letters()
    return sorted(rows, key=lambda row: row["first_seen_at"]) if len(rows) == count else None


def _by_origin(records: list[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Records by their place, and redriven ones by the place where they stood before."""
    places = {f"{r.topic}-{r.partition}@{r.offset}": r for r in records}
    redriven = {dict(r.headers)["rollcall-redriven-from"].decode(): r for r in records if r.headers}
    return places, redriven
