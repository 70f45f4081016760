"""A part that dies ends its process, which says which and why; the next process goes on."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from rollcall.exit_codes import ExitCode
from rollcall_events import BatchContentProvisioningCompletedV1
from tests.db.events import contents, registration
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.http_client import http_client
from tests.service_process import ServiceProcess
from tests.services.faulty_service import MODULE
from tests.services.kafka_client import KafkaClient


async def plant(replica: ServiceProcess, fault: str, **options: float) -> None:
    """Break a part of a replica."""
    async with http_client() as client:
        response = await client.post(f"{replica.url}/faults/{fault}", params=options)
        response.raise_for_status()


async def readiness(replica: ServiceProcess) -> tuple[int, list[str]]:
    """What /healthz/ready answers; (0, []) if nothing does."""
    try:
        async with http_client(5) as client:
            answer = await client.get(f"{replica.url}/healthz/ready")
    except httpx.TransportError:
        return 0, []
    return answer.status_code, answer.json()["problems"]


async def assert_the_next_one_goes_on(
    service_process: StartService, kafka: KafkaClient, batch_id: UUID
) -> None:
    """A new process handles what the dead one had not."""
    await kafka.send(registration(batch_id, 2), *contents(batch_id, 2))
    service_process("next")
    assert len(await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)) == 1


@pytest.mark.parametrize(
    ("fault", "task", "cause"),
    [
        ("report_fails", "consumer.report", "planted"),
        ("job_fails", "job.sweep", "planted"),
        ("http_ends", "http", "http returned, though it must last"),
        ("lane_fails", "relay", "planted"),
        ("report_returns", "consumer.report", "consumer.report was cancelled by nobody who may"),
    ],
)
async def test_a_task_that_dies_ends_the_process_with_its_name_and_its_cause(
    service_process: StartService,
    kafka: KafkaClient,
    connection: Any,
    batch_id: UUID,
    fault: str,
    task: str,
    cause: str,
) -> None:
    """It signs off, so that the others need not wait for its silence to share its lanes."""
    replica = service_process(module=MODULE, ROLLCALL_SWEEP_SECONDS="0.5")
    await replica.wait_ready()
    await plant(replica, fault)
    assert await replica.wait_exit() == ExitCode.FAILED
    (failed,) = replica.log_events("service_failed")
    assert (failed["task"], failed["error"], failed["level"]) == (task, cause, "critical")
    assert failed["exit_code"] == ExitCode.FAILED
    assert await connection.fetch("SELECT instance_id FROM instance") == []
    await assert_the_next_one_goes_on(service_process, kafka, batch_id)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("fetch_task_dies", "the Kafka client's fetch task ended: PlantedError('planted')"),
        ("coordination_dies", "the Kafka client's group coordination task ended"),
    ],
)
async def test_a_client_whose_task_is_dead_ends_the_process_at_once(
    service_process: StartService, kafka: KafkaClient, batch_id: UUID, fault: str, message: str
) -> None:
    replica = service_process(module=MODULE)
    await replica.wait_ready()
    await plant(replica, fault)
    await kafka.send(registration(batch_id, 1))
    assert await replica.wait_exit() == ExitCode.FETCHER_DEAD
    (failed,) = replica.log_events("service_failed")
    assert message in failed["error"]


async def test_a_client_that_fetches_nothing_while_records_wait_ends_the_process_in_time(
    service_process: StartService, kafka: KafkaClient, batch_id: UUID
) -> None:
    """Its tasks live and its heartbeats are answered: only the records that wait tell."""
    replica = service_process(
        module=MODULE, ROLLCALL_FETCH_SILENCE_EXIT_SECONDS="4", ROLLCALL_STALL_SECONDS="2"
    )
    await replica.wait_ready()
    await plant(replica, "fetcher_falls_silent")
    await kafka.send(registration(batch_id, 1))

    async def unready() -> bool:
        status, problems = await readiness(replica)
        return status == 503 and any(problem.startswith("stalled: ") for problem in problems)

    await eventually(unready)
    assert await replica.wait_exit() == ExitCode.FETCHER_DEAD
    (failed,) = replica.log_events("service_failed")
    assert "nothing was fetched for" in failed["error"]


async def test_heartbeats_that_nobody_answers_are_a_problem(service_process: StartService) -> None:
    replica = service_process(module=MODULE)
    await replica.wait_ready()
    await plant(replica, "heartbeats_stop")

    async def told() -> bool:
        _, problems = await readiness(replica)
        return any(problem.startswith("group heartbeat missing: ") for problem in problems)

    await eventually(told)


async def test_a_loop_that_stood_still_is_told_with_where_it_was(
    service_process: StartService,
) -> None:
    replica = service_process(module=MODULE)
    await replica.wait_ready()
    await plant(replica, "loop_stalls", seconds=2.5)

    async def told() -> bool:
        status, problems = await readiness(replica)
        return status == 503 and any(
            problem.startswith("the event loop stood still for 2.") for problem in problems
        )

    await eventually(told)
    await eventually(lambda: len(replica.log_events("event_loop_turns_again")) == 1)
    (stalled,) = replica.log_events("event_loop_stalled")
    assert stalled["instance"] == replica.instance_id
    assert stalled["loop_stack"][-1].endswith(" _sleep_in_the_loop")
    await replica.wait_ready()


async def test_a_loop_that_stands_still_for_long_ends_the_process(
    service_process: StartService, kafka: KafkaClient, batch_id: UUID
) -> None:
    replica = service_process(module=MODULE, ROLLCALL_LOOP_STALL_EXIT_SECONDS="3")
    await replica.wait_ready()
    await plant(replica, "loop_stalls", seconds=120)
    assert await replica.wait_exit() == ExitCode.LOOP_STALLED
    (ended,) = replica.log_events("process_ended")
    assert "ROLLCALL_LOOP_STALL_EXIT_SECONDS" in ended["reason"]
    await assert_the_next_one_goes_on(service_process, kafka, batch_id)


async def test_a_process_that_was_stopped_and_goes_on_has_no_stalled_loop(
    service_process: StartService,
) -> None:
    """The time in which nothing of it ran is not the loop's."""
    replica = service_process(
        module=MODULE,
        ROLLCALL_LOOP_STALL_EXIT_SECONDS="2",
        ROLLCALL_SESSION_TIMEOUT_SECONDS="30",
        ROLLCALL_LANE_SESSION_TIMEOUT_SECONDS="30",
    )
    await replica.wait_ready()
    replica.stop()
    # Twice the limit. Nothing can be waited for: the process is to do nothing for so long.
    with pytest.raises(AssertionError):
        await eventually(lambda: replica.exit_code is not None, deadline_seconds=4)
    replica.cont()
    await replica.wait_ready()
    assert replica.log_events("event_loop_stalled") == []


async def test_an_end_that_hangs_is_cut_short(service_process: StartService) -> None:
    replica = service_process(module=MODULE, ROLLCALL_STOP_TIMEOUT_SECONDS="1")
    await replica.wait_ready()
    await plant(replica, "end_hangs")
    assert await replica.wait_exit() == ExitCode.STOP_OVERDUE
    (ended,) = replica.log_events("process_ended")
    assert "did not end in time" in ended["reason"]
