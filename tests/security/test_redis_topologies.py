"""Sentinel and Cluster with TLS and ACL users: each part of the coordination library, and a failover."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rollcall import Database
from rollcall.coordination import Coordination
from rollcall.errors import ConfigurationError, CoordinationUnavailableError, LockBusyError
from tests.coordination.everything import everything_works
from tests.coordination.own_servers import OwnServers
from tests.eventually import eventually
from tests.security.authority import Authority
from tests.security.secure_redis import PASSWORD, PREFIX, USER
from tests.security.secure_topologies import WATCHER, WATCHER_PASSWORD, secure_servers

pytestmark = pytest.mark.long

_ACCOUNT = f"{USER}:{PASSWORD}"
_WATCHER = f"sentinel_username={WATCHER}&sentinel_password={WATCHER_PASSWORD}"


@pytest.fixture
def servers(tmp_path: Path, authority: Authority) -> Iterator[OwnServers]:
    servers = secure_servers(tmp_path, authority)
    yield servers
    servers.close()


@asynccontextmanager
async def _program(
    url: str, pool: Database, prefix: str = PREFIX, answer_seconds: float = 10.0
) -> AsyncIterator[Coordination]:
    program = Coordination(url, pool, prefix=prefix, answer_seconds=answer_seconds)
    try:
        yield program
    finally:
        await program.close()


async def test_everything_works_through_sentinel_before_and_after_a_failover(
    servers: OwnServers, authority: Authority, pool: Database
) -> None:
    master, replica, address = await servers.with_sentinels()
    hosts = address.removeprefix("redis+sentinel://")
    trusted = f"ssl_ca_certs={authority.ca_file}"
    url = f"rediss+sentinel://{_ACCOUNT}@{hosts}?{_WATCHER}&{trusted}"
    async with _program(url, pool) as program:
        await everything_works(program)
        async with program.lock("job") as before:
            pass
        master.kill()
        numbers: list[int] = []

        async def acquired() -> bool:
            try:
                async with program.lock("job", wait_seconds=1) as hold:
                    numbers.append(hold.number)
            except (CoordinationUnavailableError, LockBusyError):
                return False
            return True

        await eventually(acquired, message="the replica is promoted")
        assert numbers[0] > before.number
        assert (await replica.ask("INFO", "replication"))["role"] == "master"


async def test_everything_works_on_a_cluster(
    servers: OwnServers, authority: Authority, pool: Database
) -> None:
    nodes = await servers.cluster()
    hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes[:2])
    url = f"rediss+cluster://{_ACCOUNT}@{hosts}?ssl_ca_certs={authority.ca_file}"
    async with _program(url, pool) as program:
        await everything_works(program)
        for n in range(30):
            async with program.lock(f"job-{n}"):
                pass
    assert all([await node.ask("DBSIZE") > 0 for node in nodes])
    async with _program(url, pool, prefix="others") as elsewhere:
        with pytest.raises(ConfigurationError, match="permission"):
            await elsewhere.lock("job").acquire()


@pytest.mark.parametrize("topology", ["sentinel", "cluster"])
async def test_a_server_of_an_unknown_authority_is_told_nothing(
    servers: OwnServers, pool: Database, topology: str
) -> None:
    if topology == "cluster":
        (node,) = await servers.cluster(1)
        url = f"rediss+cluster://{_ACCOUNT}@127.0.0.1:{node.port}"
    else:
        _, _, address = await servers.with_sentinels(1)
        url = f"{address.replace('redis+', 'rediss+')}?{_WATCHER}".replace("//", f"//{_ACCOUNT}@")
    async with _program(url, pool) as program:
        with pytest.raises(CoordinationUnavailableError):
            await program.lock("job").acquire()
