"""Tables of replicas and servers, for people."""

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from rollcall.access.addresses import shown_address
from rollcall_cluster.embedded import EmbeddedServer, EmbeddedServers
from rollcall_cluster.local.observation import Observation

_UNKNOWN = "-"


def instance_table(observations: Iterable[Observation]) -> Table:
    """INSTANCE STATUS PID PORT HEALTH PARTITIONS LAG EVENTS/S."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("INSTANCE", "STATUS", "PID", "PORT", "HEALTH"):
        table.add_column(heading, no_wrap=heading != "HEALTH")
    for heading in ("PARTITIONS", "LAG", "EVENTS/S"):
        table.add_column(heading, justify="right", no_wrap=True)
    for seen in observations:
        table.add_row(
            seen.instance,
            Text(seen.status, style="green" if seen.status == "running" else "red"),
            _shown(seen.pid),
            _shown(seen.port),
            Text(seen.told, style="green" if seen.told == "ready" else "yellow"),
            _shown(seen.partitions),
            _shown(seen.lag),
            _shown(seen.events_per_second),
        )
    return table


def server_table(servers: EmbeddedServers) -> Table:
    """SERVER STATUS PID ADDRESS."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("SERVER", "STATUS", "PID", "ADDRESS"):
        table.add_column(heading, no_wrap=heading != "ADDRESS", overflow="fold")
    for server in server_rows(servers):
        style = "red" if server["status"] == "dead" else "green"
        pid, address = _shown(server["pid"]), escape(str(server["address"]))
        table.add_row(str(server["name"]), Text(str(server["status"]), style), pid, address)
    return table


def server_rows(servers: EmbeddedServers) -> list[dict[str, str | int | None]]:
    """Name, status (running, dead or external), pid and address of each server."""
    rows: list[dict[str, str | int | None]] = []
    for server in servers.all:
        pid = server.pid if isinstance(server, EmbeddedServer) else None
        running = "running" if pid is not None else "dead"
        status = running if isinstance(server, EmbeddedServer) else "external"
        address = shown_address(server.address) if "://" in server.address else server.address
        rows.append({"name": server.name, "status": status, "pid": pid, "address": address})
    return rows


def _shown(value: float | str | None) -> str:
    if value is None:
        return _UNKNOWN
    return f"{value:,.0f}" if isinstance(value, float) else str(value)
