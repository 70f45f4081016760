"""`rollcall purge` beside a running replica, and the audit of what it leaves."""

import json
import uuid

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchReadinessTimeoutV1,
    DeadlinePolicy,
    ExcessContentProvisionedV1,
)
from tests.db.events import content, contents, failure, registration
from tests.db.evidence import Evidence
from tests.fixtures.services import StartService
from tests.services.kafka_client import KafkaClient
from tests.services.rollcall_command import RollcallCommand


async def test_purged_batches_are_gone_and_the_deployment_verifies(
    service_process: StartService,
    service_environment: dict[str, str],
    kafka: KafkaClient,
    evidence: Evidence,
) -> None:
    """Before and after late content, a repeated registration and a second purge."""
    rollcall = RollcallCommand(service_environment)
    replica = service_process(ROLLCALL_SWEEP_SECONDS="0.3")
    await replica.wait_ready()
    full, closed, open_ = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    deadline = {"readiness_deadline_seconds": 1, "deadline_policy": DeadlinePolicy.CLOSE}
    await kafka.send(registration(full, 2), registration(open_, 2), content(open_, "one"))
    await kafka.send(*contents(full, 3), failure(full, "file"))
    await kafka.send(registration(closed, 2, **deadline), content(closed, "one"))
    await kafka.wait_for(BatchReadinessTimeoutV1, 1)
    await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    await rollcall("verify", "--at-rest", "--wait-seconds", "60")

    told = json.loads(await rollcall("purge", "--older-than", "0s", "--dry-run", "--json"))
    assert (told["batches"], told["slots"], told["dry_run"]) == (2, 4, True)
    said = await rollcall("purge", "--older-than", "0s")
    assert "purged 2 batches" in said
    assert await evidence.slots(full) == await evidence.slots(closed) == []
    await rollcall("verify", "--at-rest", "--wait-seconds", "60")

    await kafka.send(registration(full, 2), *contents(full, 3), content(closed, "one"))
    await kafka.send(content(open_, "two"))
    await kafka.wait_for(ExcessContentProvisionedV1, 5)
    await rollcall("verify", "--at-rest", "--wait-seconds", "60")

    told = json.loads(await rollcall("purge", "--older-than", "0s", "--json"))
    assert (told["batches"], told["excess"]) == (1, 4)
    await rollcall("verify", "--at-rest", "--wait-seconds", "60")


async def test_an_age_that_is_none_is_refused(service_environment: dict[str, str]) -> None:
    said = await RollcallCommand(service_environment)("purge", "--older-than", "soon", expect=2)
    assert "such as 30d" in said
