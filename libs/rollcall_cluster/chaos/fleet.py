"""The replicas under chaos: each with links of its own to every server, started, stopped and hurt."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from rollcall_cluster import failpoints
from rollcall_cluster.chaos import launcher
from rollcall_cluster.chaos.proxy import Address, Link, Mode, Proxies
from rollcall_cluster.chaos.routes import routes
from rollcall_cluster.chaos.world import World
from rollcall_cluster.failpoints import Trigger
from rollcall_cluster.local.readiness import Report, wait_until_ready
from rollcall_cluster.local.replica import SERVICE, Replica

_CONSOLE_SCRIPT = "essay-lifecycle-service"
SERVERS = ("kafka", "postgres", "redis")


class Member:
    """One replica and its links, by the name of the server each leads to."""

    def __init__(self, replica: Replica, links: Mapping[str, Link]) -> None:
        self.replica = replica
        self.links = links
        self.wanted = False
        """Whether it should run and answer now: it was not hurt, or is healed."""

    @property
    def name(self) -> str:
        """Its name, such as els-2."""
        return self.replica.name

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; harmless when the process is gone."""
        process = self.replica.process
        if process is not None:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)


class Fleet:
    """`size` replicas of one deployment, or as many as a fault makes of them."""

    def __init__(self, directory: Path, world: World, proxies: Proxies, size: int) -> None:
        self.world = world
        self.size = size
        self._directory = directory
        self._proxies = proxies
        self._members: dict[int, Member] = {}

    @property
    def members(self) -> list[Member]:
        """Every replica that was ever started here."""
        return list(self._members.values())

    @property
    def wanted(self) -> list[Member]:
        """The replicas that should run and answer now."""
        return [member for member in self.members if member.wanted]

    async def start(
        self, number: int, *, clock_offset_seconds: float = 0.0, trigger: Trigger | None = None
    ) -> Member:
        """Start a replica without waiting until it is ready; one that runs is left alone."""
        member = self._members.get(number) or self._new_member(number)
        await asyncio.to_thread(self._launch, member, clock_offset_seconds, trigger)
        member.wanted = True
        return member

    async def restart_missing(self) -> None:
        """Start every one of the `size` replicas that does not run."""
        await asyncio.gather(*(self.start(number) for number in range(1, self.size + 1)))

    async def restart_others(self, number: int) -> None:
        """Start every one that does not run but this one."""
        others = [other for other in range(1, self.size + 1) if other != number]
        await asyncio.gather(*(self.start(other) for other in others))

    async def resize(self, count: int) -> None:
        """Have `count` replicas run, not necessarily ready: start missing ones, stop the last."""
        surplus = [n for n, member in self._members.items() if n > count and member.replica.process]
        starts = [self.start(number) for number in range(1, count + 1)]
        await asyncio.gather(*starts, *(self.stop(number) for number in surplus))

    async def stop(self, number: int) -> None:
        """Stop a replica cleanly (SIGTERM), by force after 12 s."""
        member = self._members[number]
        member.wanted = False
        await asyncio.to_thread(member.replica.stop)

    async def stop_all(self) -> None:
        """Stop all."""
        await asyncio.gather(*(self.stop(number) for number in self._members))

    async def kill(self, number: int) -> None:
        """SIGKILL a replica."""
        member = self._members[number]
        member.wanted = False
        await asyncio.to_thread(member.replica.kill)

    def freeze(self, number: int) -> None:
        """SIGSTOP a replica: its connections stay open."""
        member = self._members[number]
        member.wanted = False
        member.signal(signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        """SIGCONT after freeze()."""
        member = self._members[number]
        member.signal(signal.SIGCONT)
        member.wanted = True

    async def set_link(self, number: int, server: str, mode: Mode, delay: float = 0.0) -> None:
        """Change the network between a replica and a server; `delay` in seconds."""
        link = self._members[number].links[server]
        await asyncio.to_thread(self._proxies.set_mode, link, mode, delay)

    def addresses_at(self, server: str) -> set[Address]:
        """The client addresses by which a server knows the replicas' connections."""
        return {address for m in self.members for address in m.links[server].outgoing}

    async def wait_ready(self, report: Report = lambda _: None) -> None:
        """Wait until every wanted replica is ready; raises ClusterError when one cannot."""
        await wait_until_ready([member.replica for member in self.wanted], report)

    def _new_member(self, number: int) -> Member:
        links = {server: self._proxies.open_link() for server in SERVERS}
        member = Member(Replica(self._directory, f"els-{number}"), links)
        self._members[number] = member
        return member

    def _launch(self, member: Member, clock_offset_seconds: float, trigger: Trigger | None) -> None:
        if member.replica.process is not None:
            return
        ports = {server: link.port for server, link in member.links.items()}
        own = {launcher.ROUTES_VARIABLE: json.dumps(routes(self.world.environment, ports))}
        if clock_offset_seconds:
            own[launcher.CLOCK_VARIABLE] = str(clock_offset_seconds)
        environment = {**self.world.environment, **own}
        member.replica.start(environment, os.getpid(), _program(trigger))


def _program(trigger: Trigger | None) -> Sequence[str]:
    python, _, *service = SERVICE
    if trigger is not None:
        service = [failpoints.__name__, str(trigger), "--", _CONSOLE_SCRIPT, "run"]
    return [python, "-m", launcher.__name__, *service]
