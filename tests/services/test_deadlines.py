"""A deadline from end to end: a real replica, its own sweep, what consumers read, and the audit."""

import uuid

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchReadinessTimeoutV1,
    DeadlinePolicy,
    ExcessContentProvisionedV1,
    ExcessReason,
)
from tests.auditing import assert_clean
from tests.db.events import content, essay_id, registration
from tests.fixtures.services import StartService
from tests.services.kafka_client import KafkaClient


async def test_deadlines_pass_are_announced_and_leave_a_deployment_that_verifies(
    service_process: StartService,
    service_environment: dict[str, str],
    kafka: KafkaClient,
) -> None:
    """Two replicas; one batch for each policy, one with the default, one that is full in time."""
    settings = {
        "ROLLCALL_SWEEP_SECONDS": "0.3",
        "ROLLCALL_BATCH_DEADLINE_SECONDS": "1",
        "ROLLCALL_BATCH_DEADLINE_POLICY": "close",
    }
    for replica in [service_process(**settings), service_process(**settings)]:
        await replica.wait_ready()
    by_policy = {uuid.uuid4(): policy for policy in DeadlinePolicy}
    default, full = uuid.uuid4(), uuid.uuid4()
    for batch, policy in by_policy.items():
        await kafka.send(registration(batch, 2, deadline_policy=policy), content(batch, "one"))
    await kafka.send(registration(default, 1))
    await kafka.send(registration(full, 1), content(full, "one"))

    timeouts = await kafka.wait_for(BatchReadinessTimeoutV1, 4)
    late = [content(batch, "late") for batch in (*by_policy, default, full)]
    await kafka.send(*late)
    excess = await kafka.wait_for(ExcessContentProvisionedV1, 4)
    completed = await kafka.wait_for(BatchContentProvisioningCompletedV1, 3)

    policies = {batch: policy.value for batch, policy in by_policy.items()} | {default: "close"}
    assert {event.batch_id: event.policy for event in timeouts} == policies
    kept_open, partial, closed = by_policy
    assert {event.batch_id: event.reason for event in excess} == {
        partial: ExcessReason.BATCH_CLOSED,
        closed: ExcessReason.BATCH_CLOSED,
        default: ExcessReason.BATCH_CLOSED,
        full: ExcessReason.NO_AVAILABLE_SLOT,
    }
    assert {event.batch_id: event.missing_essay_ids for event in completed} == {
        kept_open: (),
        partial: (essay_id(1),),
        full: (),
    }
    await assert_clean(service_environment)
