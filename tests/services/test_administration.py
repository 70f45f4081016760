"""Dead letters and pauses over HTTP, on a real replica: what the commands do, for holders of a token."""

import asyncio
from base64 import b64decode
from typing import Any
from uuid import UUID

import pytest

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
)
from tests.auditing import assert_clean
from tests.db.dead_letters import audit, bury
from tests.db.events import registration
from tests.db.evidence import Evidence
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.service_process import ServiceProcess
from tests.services.administration import ADMIN, NEW, admin, document
from tests.services.kafka_client import KafkaClient
from tests.services.test_dlq import STRICT, padded


async def test_records_of_a_fixed_release_are_redriven_once_by_whoever_asks_and_however_often(
    service_process: StartService,
    kafka: KafkaClient,
    evidence: Evidence,
    connection: Any,
    service_environment: dict[str, str],
    batch_id: UUID,
) -> None:
    """Two replicas, each asked several times at once."""
    await kafka.send(registration(batch_id, 12))
    for number in range(12):
        value = padded(batch_id, f"text-{number}")
        await kafka.send_raw(
            EssayContentProvisionedV1, value, partition=number % 3, key=str(batch_id).encode()
        )
    strict = service_process(**STRICT)
    await eventually(lambda: _dead(evidence, 12))
    strict.terminate()
    await strict.wait_exit()
    replicas = [service_process(**ADMIN), service_process(**ADMIN)]
    await asyncio.gather(*(replica.wait_ready() for replica in replicas))

    async def redrive(replica: ServiceProcess, number: int) -> int:
        async with admin(replica, NEW) as client:
            told = await document(
                client, "/v1/dead-letters/redrive", all=True, by=f"ops-{number}", reason="fixed"
            )
        return int(told["touched"])

    touched = await asyncio.gather(*(redrive(replicas[n % 2], n) for n in range(6)))

    assert sum(touched) == 12
    (completed,) = await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    assert completed.provisioned_count == 12
    assert len(await kafka.wait_for(EssaySlotAssignedV1, 12)) == 12
    assert len(await kafka.records(EssayContentProvisionedV1)) == 24
    rows = await audit(connection)
    assert len(rows) == 12
    assert {row[0].split(" (token ")[0] for row in rows} <= {f"ops-{n}" for n in range(6)}
    await assert_clean(service_environment)


async def test_a_dead_letter_tells_all_that_is_known_of_it(
    service_process: StartService, connection: Any, service_environment: dict[str, str]
) -> None:
    group, prefix = (
        service_environment["ROLLCALL_CONSUMER_GROUP"],
        service_environment["ROLLCALL_TOPIC_PREFIX"],
    )
    place = await bury(
        connection,
        7,
        topic=f"{prefix}file.essay.content.provisioned.v1",
        group=group,
        value=b"\x00\xff",
        headers=[["a", "/wA="]],
        fingerprint="f00",
        trace=["in-0@1..in-0@9: KeyError()"],
    )
    replica = service_process(**ADMIN)
    await replica.wait_ready()
    async with admin(replica) as client:
        listed = await document(client, "/v1/dead-letters?fingerprint=f00")
        shown = await document(client, f"/v1/dead-letters/{place}")
        short = await document(client, f"/v1/dead-letters/{str(place).removeprefix(prefix)}")
        absent = await document(client, "/v1/dead-letters/t-1@1", expect=404)
        malformed = await document(client, "/v1/dead-letters/nothing", expect=422)
    (row,) = listed["letters"]
    assert (listed["total"], listed["counts"][0]["letters"], listed["after"]) == (1, 1, None)
    assert (row["topic"], row["partition"], row["offset"]) == place
    assert shown == short
    assert row.items() <= shown.items()
    expected = {
        "error_type": "malformed",
        "error_message": "not JSON",
        "stack_fingerprint": "f00",
        "attempts": 1,
        "state": "dead",
        "bisection_trace": ["in-0@1..in-0@9: KeyError()"],
        "headers": [{"name": "a", "value_base64": "/wA="}],
        "instance_id": "finder",
        "history": [],
    }
    assert expected.items() <= shown.items()
    assert (b64decode(shown["key_base64"]), b64decode(shown["value_base64"])) == (
        b"key",
        b"\x00\xff",
    )
    assert shown["first_seen_at"]
    assert shown["last_seen_at"]
    assert "no dead letter of this deployment" in absent["detail"]
    assert "TOPIC-PARTITION@OFFSET" in malformed["detail"]


async def test_listings_and_orders_come_in_portions(
    service_process: StartService, connection: Any, service_environment: dict[str, str]
) -> None:
    topic = f"{service_environment['ROLLCALL_TOPIC_PREFIX']}file.essay.content.provisioned.v1"
    for offset in range(5):
        await bury(
            connection,
            offset,
            topic=topic,
            group=service_environment["ROLLCALL_CONSUMER_GROUP"],
            hours_ago=1,
        )
    replica = service_process(**ADMIN)
    await replica.wait_ready()
    async with admin(replica) as client:
        first = await document(client, "/v1/dead-letters?limit=3")
        rest = await document(client, f"/v1/dead-letters?limit=3&after={first['after']}")
        assert [row["offset"] for row in first["letters"] + rest["letters"]] == [0, 1, 2, 3, 4]
        assert rest["after"] is None

        order: dict[str, Any] = {"all": True, "by": "ops", "reason": "test data", "limit": 3}
        tried = await document(client, "/v1/dead-letters/discard", dry_run=True, **order)
        assert (tried["touched"], tried["by_error_type"]) == (3, {"malformed": 3})
        assert await audit(connection) == []
        done = await document(client, "/v1/dead-letters/discard", **order)
        more = {"after": done["after"], "until": done["until"]}
        done_too = await document(client, "/v1/dead-letters/discard", **order, **more)
        assert (done["touched"], done_too["touched"], done_too["after"]) == (3, 2, None)
        again = await document(client, "/v1/dead-letters/redrive", by="ops", ids=[f"{topic}-0@1"])
        assert again["touched"] == 0
        assert [left["reason"] for left in again["untouched"]] == ["is discarded already"]
    assert [row[1:4] for row in await audit(connection)] == [
        ("discard", "test data", offset) for offset in range(5)
    ]


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("discard", {"by": "ops", "all": True}, "malformed"),
        ("discard", {"by": "ops", "all": True, "reason": ""}, "malformed"),
        ("redrive", {"all": True}, "malformed"),
        ("redrive", {"by": "ops", "everything": True}, "malformed"),
        ("redrive", {"by": "ops", "all": True, "limit": 1001}, "malformed"),
        ("redrive", {"by": "ops"}, "choose by ids or by a filter"),
        ("redrive", {"by": "ops", "all": True, "text": "x"}, "leave one out"),
    ],
)
async def test_an_order_that_says_too_little_or_too_much_is_refused(
    administered: ServiceProcess, path: str, body: dict[str, Any], told: str
) -> None:
    async with admin(administered) as client:
        problem = await document(client, f"/v1/dead-letters/{path}", expect=422, **body)
    assert told in problem["detail"]


async def test_a_topic_is_paused_and_resumed_and_the_audit_says_by_whom(
    service_process: StartService, kafka: KafkaClient, evidence: Evidence, batch_id: UUID
) -> None:
    name = "batch.essays.registered.v1"
    full = kafka.topic(BatchEssaysRegisteredV1)
    replica, other = service_process(**ADMIN), service_process()
    await asyncio.gather(replica.wait_ready(), other.wait_ready())
    async with admin(replica) as client:
        order: dict[str, Any] = {"by": "ops", "reason": "broken"}
        tried = await document(client, f"/v1/topics/{name}/pause", dry_run=True, **order)
        assert (tried["changed"], tried["dry_run"]) == (True, True)
        assert (await document(client, "/v1/topics"))["history"] == []
        paused = await document(client, f"/v1/topics/{name}/pause", **order)
        again = await document(client, f"/v1/topics/{full}/pause", by="ops", reason="too")
        assert (paused, again["changed"]) == (
            {"topic": full, "action": "paused", "changed": True, "dry_run": False},
            False,
        )
        await eventually(lambda: _notices(other, f"{full} paused: broken"))
        listed = await document(client, "/v1/topics")
        assert [t["topic"] for t in listed["topics"] if t["paused"]] == [full]
        await kafka.send(registration(batch_id, 1))
        await document(client, f"/v1/topics/{name}/pause", expect=422, by="ops")
        await document(client, "/v1/topics/els.dead.letters.v1/pause", 404, by="ops", reason="x")
        resumed = await document(client, f"/v1/topics/{name}/resume", by="ops", reason="mended")
        assert resumed["changed"]
        listed = await document(client, "/v1/topics")
    assert [t for t in listed["topics"] if t["paused"]] == []
    history = [(change["action"], change["reason"]) for change in listed["history"]]
    assert history == [("resume", "mended"), ("pause", "broken")]
    assert all(c["operator"].startswith("ops (token ") for c in listed["history"])
    await eventually(lambda: evidence.batch(batch_id))


async def _dead(evidence: Evidence, count: int) -> bool:
    return len(await evidence.dead_letters()) == count


async def _notices(replica: ServiceProcess, notice: str) -> bool:
    return notice in (await replica.instance())["notices"]
