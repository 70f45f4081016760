"""Replicas die, freeze and wake up in the middle of load; the audit finds nothing wrong."""

import asyncio
from dataclasses import replace

import pytest

from rollcall_cluster.generator import PROFILES, KeyStrategy, Plan
from tests.auditing import assert_clean
from tests.cluster.load import under_load
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.service_process import ServiceProcess

REPLICAS = ("a", "b", "c")
LOAD = Plan(**PROFILES["mixed"], seed=11, batches=60, slots=80, rate=1500.0)


async def _start_cluster(service_process: StartService) -> dict[str, ServiceProcess]:
    replicas = {name: service_process(name) for name in REPLICAS}
    await asyncio.gather(*(replica.wait_ready() for replica in replicas.values()))
    return replicas


@pytest.mark.parametrize("key", list(KeyStrategy))
async def test_three_replicas_share_the_work_whatever_the_key(
    service_environment: dict[str, str], service_process: StartService, key: KeyStrategy
) -> None:
    await _start_cluster(service_process)
    async with under_load(service_environment, replace(LOAD, rate=None, key=key)):
        pass
    await assert_clean(service_environment)


async def test_a_replica_killed_under_load_costs_nothing(
    service_environment: dict[str, str], service_process: StartService
) -> None:
    replicas = await _start_cluster(service_process)
    async with under_load(service_environment, LOAD) as sent:
        await sent(1000)
        replicas["b"].kill()
        await sent(3000)
        service_process("b-again")
    await assert_clean(service_environment)


async def test_all_replicas_killed_at_once_go_on_where_they_were(
    service_environment: dict[str, str], service_process: StartService
) -> None:
    replicas = await _start_cluster(service_process)
    async with under_load(service_environment, LOAD) as sent:
        await sent(2000)
        for replica in replicas.values():
            replica.kill()
    for name in REPLICAS:
        service_process(f"{name}-again")
    await assert_clean(service_environment)


async def test_a_frozen_replica_loses_its_work_and_cannot_commit_when_it_wakes_up(
    service_environment: dict[str, str], service_process: StartService
) -> None:
    """The zombie: stopped past its session timeout, continued while others own what it owned."""
    replicas = await _start_cluster(service_process)
    others = (replicas["b"], replicas["c"])
    async with under_load(service_environment, LOAD) as sent:
        await sent(1000)
        replicas["a"].stop()
        await eventually(
            lambda: _own_everything(others),
            message="the others own everything",
        )
        replicas["a"].cont()
    await assert_clean(service_environment)


async def _own_everything(replicas: tuple[ServiceProcess, ...]) -> bool:
    instances = [await replica.instance() for replica in replicas]
    partitions = sum(len(instance["partitions"]) for instance in instances)
    lanes = {lane for instance in instances for lane in instance["lanes"]}
    return partitions == 9 and lanes == {0, 1, 2, 3}


async def test_a_rolling_restart_under_load_stops_cleanly_and_costs_nothing(
    service_environment: dict[str, str], service_process: StartService
) -> None:
    replicas = await _start_cluster(service_process)
    async with under_load(service_environment, LOAD) as sent:
        for round_, (name, replica) in enumerate(replicas.items()):
            await sent(800 * (round_ + 1))
            replica.terminate()
            assert await replica.wait_exit() == 0
            await service_process(f"{name}-again").wait_ready()
    await assert_clean(service_environment)
