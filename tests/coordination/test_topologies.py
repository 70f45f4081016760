"""Sentinel, Cluster, TLS and ACL users: real servers, real failovers."""

from pathlib import Path

import pytest

from rollcall.coordination import Coordination
from rollcall.coordination.keys import Keys
from rollcall.coordination.topology import connect
from rollcall.errors import (
    ConfigurationError,
    CoordinationUnavailableError,
    FencedOutError,
    LockBusyError,
)
from tests.coordination.conftest import Programs
from tests.coordination.everything import everything_works
from tests.coordination.ledger import Ledger
from tests.coordination.own_servers import CLUSTER_SLOTS, OwnRedis, OwnServers, promote
from tests.coordination.tls import make_certificate, terminator
from tests.eventually import eventually


async def _acquired(program: Coordination, name: str = "job") -> int:
    """Acquire as soon as the topology lets us; returns the number."""
    numbers: list[int] = []

    async def acquired() -> bool:
        try:
            async with program.lock(name, wait_seconds=1, lease_seconds=2) as hold:
                numbers.append(hold.number)
        except (CoordinationUnavailableError, LockBusyError):
            return False
        return True

    await eventually(acquired, deadline_seconds=40, message="the lock is acquired")
    return numbers[0]


async def test_two_masters_that_both_answer_split_brain(
    own_servers: OwnServers, programs: Programs, ledger: Ledger
) -> None:
    """Both believe that they hold the lock; only the newer one's effect gets through."""
    master, replica = await own_servers.replicated()
    old_side, new_side = programs(master.address), programs(replica.address)
    async with old_side.lock("job"):
        pass
    old = await old_side.lock("job", lease_seconds=60).acquire()
    await ledger.write(old, "old, before")
    await promote(replica)
    await replica.ask("DEL", new_side.keys.of("lock", "job"))  # had not been replicated yet
    new = await new_side.lock("job", lease_seconds=60, wait_seconds=0).acquire()
    assert await old.verify()
    assert await new.verify()
    assert new.number > old.number
    await ledger.write(new, "new")
    with pytest.raises(FencedOutError):
        await ledger.write(old, "old, after")
    assert await ledger.writers() == ["old, before", "new"]


async def test_an_old_master_that_goes_on_giving_locks_is_outranked_as_a_whole(
    own_servers: OwnServers, programs: Programs
) -> None:
    master, replica = await own_servers.replicated()
    old_side, new_side = programs(master.address), programs(replica.address)
    async with old_side.lock("job"):
        pass
    await promote(replica)
    async with new_side.lock("job", wait_seconds=20) as hold:
        newest = hold.number
    later = [await _acquired(old_side) for _ in range(20)]
    assert max(later) < newest


async def test_a_master_that_was_outranked_by_mistake_is_usable_after_one_refusal(
    own_servers: OwnServers, programs: Programs, ledger: Ledger
) -> None:
    """The promoted replica is thrown away; the old master stays the one."""
    master, replica = await own_servers.replicated()
    old_side, new_side = programs(master.address), programs(replica.address)
    async with old_side.lock("job"):
        pass
    await promote(replica)
    async with new_side.lock("job") as hold:
        await ledger.write(hold, "on the promoted replica")
    replica.kill()
    refused = await old_side.lock("job").acquire()
    with pytest.raises(FencedOutError):
        await ledger.write(refused, "refused")
    await old_side.server.command("DEL", old_side.keys.of("lock", "job"))
    async with old_side.lock("job") as hold:
        await ledger.write(hold, "on the old master")
    assert await ledger.writers() == ["on the promoted replica", "on the old master"]


async def test_failover_and_split_brain_through_sentinel(
    own_servers: OwnServers, programs: Programs, ledger: Ledger
) -> None:
    """The master freezes, Sentinel promotes the replica, the old master wakes up and is told nothing."""
    master, replica, url = await own_servers.with_sentinels()
    program = programs(url, answer_seconds=2.0)
    await everything_works(program)
    old_side = programs(master.address)
    old = await old_side.lock("job", lease_seconds=120, extend=False, wait_seconds=20).acquire()
    await ledger.write(old, "old, before")
    master.freeze()
    with pytest.raises(CoordinationUnavailableError):
        await program.failure_counter("while failing over", limit=9).count("item")

    async def promoted() -> bool:
        return (await replica.ask("INFO", "replication"))["role"] == "master"

    await eventually(promoted, deadline_seconds=60, message="Sentinel promotes the replica")
    await replica.ask("DEL", program.keys.of("lock", "job"))
    number = await _acquired(program)
    assert number > old.number
    async with program.lock("job", wait_seconds=20) as hold:
        await ledger.write(hold, "new")
    own_servers.kill_sentinels()
    master.thaw()
    assert await old.verify()
    with pytest.raises(FencedOutError):
        await ledger.write(old, "old, after")
    assert await ledger.writers() == ["old, before", "new"]


async def test_everything_works_on_a_cluster_and_locks_are_spread_over_its_nodes(
    own_servers: OwnServers, programs: Programs
) -> None:
    nodes = await own_servers.cluster()
    program = programs(f"redis+cluster://127.0.0.1:{nodes[0].port},127.0.0.1:{nodes[1].port}")
    await everything_works(program)
    for n in range(30):
        async with program.lock(f"job-{n}"):
            pass
    assert all([await node.ask("DBSIZE") > 0 for node in nodes])


async def test_cluster_slot_migration(
    own_servers: OwnServers, programs: Programs, ledger: Ledger
) -> None:
    """A held lock moves with its slot; the next holder's number is larger."""
    nodes = await own_servers.cluster(2)
    program = programs(f"redis+cluster://127.0.0.1:{nodes[0].port}")
    numbers = [await _acquired(program)]
    held = await program.lock("job", lease_seconds=1.5).acquire()
    slot = await nodes[0].ask("CLUSTER", "KEYSLOT", program.keys.of("lock", "job"))
    source, target = (nodes[0], nodes[1]) if slot < CLUSTER_SLOTS // 2 else (nodes[1], nodes[0])
    await _move_slot(slot, source, target)

    async def extended() -> bool:
        await held.extend()
        return held.is_held

    await eventually(extended, message="the lock is extended on its new node")
    await held.release()
    numbers += [held.number, await _acquired(program)]
    await _move_slot(slot, target, source)
    numbers.append(await _acquired(program))
    assert numbers == sorted(set(numbers))


async def _move_slot(slot: int, source: OwnRedis, target: OwnRedis) -> None:
    """What `redis-cli --cluster reshard` does."""
    source_id, target_id = await source.ask("CLUSTER", "MYID"), await target.ask("CLUSTER", "MYID")
    await target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
    await source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
    while keys := await source.ask("CLUSTER", "GETKEYSINSLOT", slot, 10):
        await source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
    await target.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)
    await source.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)


def test_keys_that_one_script_works_on_share_a_hash_tag() -> None:
    keys = Keys("prefix")
    for n in range(300):
        tags = {
            key[: key.index("}") + 1]
            for key in (keys.of("lock", f"{n}"), keys.of("state:a", f"{n}"), keys.fence(f"{n}"))
        }
        assert len(tags) == 1
    assert len({keys.fence(f"{n}") for n in range(5000)}) == 256


async def test_tls_with_a_certificate_that_is_checked(
    own_redis: OwnRedis, programs: Programs, tmp_path: Path
) -> None:
    certificate, key = make_certificate(tmp_path)
    async with terminator(own_redis.port, certificate, key) as port:
        program = programs(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}")
        await everything_works(program)
        stranger = programs(f"rediss://127.0.0.1:{port}/0")
        with pytest.raises(CoordinationUnavailableError, match="certificate"):
            await stranger.lock("job").acquire()
        await program.close()
        await stranger.close()


async def test_a_user_with_the_documented_permissions_can_do_everything(
    own_redis: OwnRedis, programs: Programs, prefix: str
) -> None:
    rules = [f"~{prefix}:*", f"~{{{prefix}:*", f"&{prefix}:*", "+@read", "+@write", "+@scripting"]
    rules += ["+@pubsub", "+info", "+time"]
    await own_redis.ask("ACL", "SETUSER", "app", "on", ">s3cret/", *rules)
    await everything_works(programs(f"redis://app:s3cret%2F@127.0.0.1:{own_redis.port}/0"))
    elsewhere = programs(f"redis://app:s3cret%2F@127.0.0.1:{own_redis.port}/0", prefix="other")
    with pytest.raises(ConfigurationError, match="permission"):
        await elsewhere.lock("job").acquire()
    second = f"redis://app:s3cret%2F@127.0.0.1:{own_redis.port}/1"
    with pytest.raises(ConfigurationError, match="select"):
        await programs(second).lock("job").acquire()
    await own_redis.ask("ACL", "SETUSER", "app", "+select")
    await everything_works(programs(second))
    unknown = programs(f"redis://app:wrong@127.0.0.1:{own_redis.port}/0")
    with pytest.raises(CoordinationUnavailableError):
        await unknown.lock("job").acquire()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1", "redis:///0", "redis+sentinel://127.0.0.1:26379", "nonsense"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        connect(url, 1.0)
