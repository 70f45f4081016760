"""Replicas die, freeze and wake up in the middle of load; the audit finds nothing wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from rollcall_cluster.auditor import AuditOptions, AuditReport, AuditTarget, verify
from rollcall_cluster.generator import PROFILES, KeyStrategy, Plan, generate
from tests.eventually import DEADLINE_SECONDS, eventually
from tests.fixtures.services import StartService
from tests.service_process import ServiceProcess

REPLICAS = ("a", "b", "c")
LOAD = Plan(**PROFILES["mixed"], seed=11, batches=60, slots=80, rate=1500.0)


async def _start_cluster(service_process: StartService) -> dict[str, ServiceProcess]:
    replicas = {name: service_process(name) for name in REPLICAS}
    await asyncio.gather(*(replica.wait_ready() for replica in replicas.values()))
    return replicas


@asynccontextmanager
async def _under_load(
    environment: dict[str, str], plan: Plan
) -> AsyncIterator[Callable[[int], "asyncio.Future[None]"]]:
    """Generate `plan` in the background; gives a way to wait until so many records were sent."""
    sent = 0

    def on_progress(records: int) -> None:
        nonlocal sent
        sent = records

    def reached(records: int) -> "asyncio.Future[None]":
        return asyncio.ensure_future(
            eventually(lambda: sent >= records, message=f"{records} records sent")
        )

    load = asyncio.create_task(
        generate(
            plan,
            environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"],
            topic_prefix=environment["ROLLCALL_TOPIC_PREFIX"],
            on_progress=on_progress,
        )
    )
    yield reached
    await load


async def _audit(environment: dict[str, str]) -> AuditReport:
    target = AuditTarget(
        kafka_bootstrap_servers=environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"],
        postgres_dsn=environment["ROLLCALL_POSTGRES_DSN"],
        database_schema=environment["ROLLCALL_DATABASE_SCHEMA"],
        topic_prefix=environment["ROLLCALL_TOPIC_PREFIX"],
        consumer_group=environment["ROLLCALL_CONSUMER_GROUP"],
    )
    return await verify(target, AuditOptions(require_rest=True, wait_seconds=DEADLINE_SECONDS))


def _assert_clean(report: AuditReport) -> None:
    assert report.ok, report.model_dump_json(indent=1)


@pytest.mark.parametrize("key", list(KeyStrategy))
async def test_three_replicas_share_the_work_whatever_the_key(
    service_environment: dict[str, str], service_process: StartService, key: KeyStrategy
) -> None:
    await _start_cluster(service_process)
    async with _under_load(service_environment, replace(LOAD, rate=None, key=key)):
        pass
    _assert_clean(await _audit(service_environment))


async def test_a_replica_killed_under_load_costs_nothing(
    service_environment: dict[str, str], service_process: StartService
) -> None:
    replicas = await _start_cluster(service_process)
    async with _under_load(service_environment, LOAD) as sent:
        await sent(1000)
        replicas["b"].kill()
        await sent(3000)
        service_process("b-again")
    _assert_clean(await _audit(service_environment))


async def test_all_replicas_killed_at_once_go_on_where_they_were(
    service_environment: dict[str, str], service_process: StartService
) -> None:
    replicas = await _start_cluster(service_process)
    async with _under_load(service_environment, LOAD) as sent:
        await sent(2000)
        for replica in replicas.values():
            replica.kill()
    for name in REPLICAS:
        service_process(f"{name}-again")
    _assert_clean(await _audit(service_environment))


async def test_a_frozen_replica_loses_its_work_and_cannot_commit_when_it_wakes_up(
    service_environment: dict[str, str], service_process: StartService
) -> None:
    """The zombie: stopped past its session timeout, continued while others own what it owned."""
    replicas = await _start_cluster(service_process)
    others = (replicas["b"], replicas["c"])
    async with _under_load(service_environment, LOAD) as sent:
        await sent(1000)
        replicas["a"].stop()
        await eventually(
            lambda: _own_everything(others),
            message="the others own everything",
        )
        replicas["a"].cont()
    _assert_clean(await _audit(service_environment))


async def _own_everything(replicas: tuple[ServiceProcess, ...]) -> bool:
    instances = [await replica.instance() for replica in replicas]
    partitions = sum(len(instance["partitions"]) for instance in instances)
    lanes = {lane for instance in instances for lane in instance["lanes"]}
    return partitions == 9 and lanes == {0, 1, 2, 3}


async def test_a_rolling_restart_under_load_stops_cleanly_and_costs_nothing(
    service_environment: dict[str, str], service_process: StartService
) -> None:
    replicas = await _start_cluster(service_process)
    async with _under_load(service_environment, LOAD) as sent:
        for round_, (name, replica) in enumerate(replicas.items()):
            await sent(800 * (round_ + 1))
            replica.terminate()
            assert await replica.wait_exit() == 0
            await service_process(f"{name}-again").wait_ready()
    _assert_clean(await _audit(service_environment))
