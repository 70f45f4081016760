"""The network between one replica and one server."""

from rollcall_cluster.chaos.arena import Arena
from rollcall_cluster.chaos.faults.base import Fault, listed
from rollcall_cluster.chaos.fleet import SERVERS
from rollcall_cluster.chaos.proxy import Mode

_DELAYS_SECONDS = (0.05, 0.4)


class _NetworkFault(Fault):
    """Changes the mode of one link for a while."""

    server: str
    mode: Mode
    _number = 0

    async def inflict(self, arena: Arena) -> None:
        """Change the link of one replica."""
        self._number = arena.any_replica()
        delay = arena.draws.uniform(*_DELAYS_SECONDS) if self.mode is Mode.DELAY else 0.0
        told_delay = f" {delay * 1000:.0f} ms" if delay else ""
        self.detail = f"{listed([self._number])}{told_delay}, {self.hold_seconds:.0f} s"
        await arena.fleet.set_link(self._number, self.server, self.mode, delay)

    async def heal(self, arena: Arena) -> None:
        """Let everything pass."""
        if self._number:
            await arena.fleet.set_link(self._number, self.server, Mode.PASS)


def network_faults() -> list[type[Fault]]:
    """Each way to hurt each link."""
    return [
        _network_fault(verb, mode, server, seconds)
        for server in SERVERS
        for verb, mode, seconds in (
            ("cut", Mode.CUT, 6.0),
            ("delay", Mode.DELAY, 6.0),
            ("half-open", Mode.SILENT, 8.0),
        )
    ]


def _network_fault(verb: str, mode: Mode, server: str, seconds: float) -> type[Fault]:
    told = {
        Mode.CUT: "connections are reset, new ones too,",
        Mode.DELAY: "every piece waits 50 to 400 ms",
        Mode.SILENT: "connections stay but nothing arrives",
    }[mode]
    members = {
        "name": f"{verb}-{server}",
        "summary": f"between a replica and {server}, {told} for {seconds:.0f} s",
        "weight": 1 if server == "redis" else 2,
        "through": frozenset({server}),
        "server": server,
        "mode": mode,
        "hold_seconds": seconds,
    }
    return type(f"{verb.title()}{server.title()}".replace("-", ""), (_NetworkFault,), members)
