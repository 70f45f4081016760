"""Which address leads to which server, as the drivers of a replica read its settings."""

import inspect
from collections.abc import Mapping
from urllib.parse import urlsplit

from asyncpg import connect_utils

from rollcall.coordination.topology import hosts_of
from rollcall_cluster.chaos.launcher import ANY
from rollcall_cluster.chaos.proxy import Address
from rollcall_cluster.embedded.servers import POSTGRES_VARIABLE, REDIS_VARIABLE

# Private, and the only one that reads an address exactly as a replica's connections do.
_parse = connect_utils._parse_connect_dsn_and_args
_NO_OTHERS = dict.fromkeys(inspect.signature(_parse).parameters.keys() - {"dsn"})


def routes(environment: Mapping[str, str], ports: Mapping[str, int]) -> dict[str, int]:
    """The port of its link for each known address; brokers may advertise any, so the rest is Kafka's.

    `ports` are by the name of the server.
    """
    found = {ANY: ports["kafka"]}
    addresses, _ = _postgres(environment[POSTGRES_VARIABLE])
    found |= {f"{host}:{port}": ports["postgres"] for host, port in addresses}
    if url := environment.get(REDIS_VARIABLE):
        found |= {f"{host}:{port}": ports["redis"] for host, port in hosts_of(url)}
    return found


def bypassed(addresses: Mapping[str, str]) -> dict[str, str]:
    """The servers to which connections pass no link of theirs, with the reason, by these variables."""
    found = {}
    if dsn := addresses.get(POSTGRES_VARIABLE):
        try:
            _, sockets = _postgres(dsn)
        except (ValueError, OSError):
            found["postgres"] = "the address of postgres cannot be read"
        else:
            if sockets:
                found["postgres"] = f"postgres is reached through the UNIX socket {sockets[0]}"
    if url := addresses.get(REDIS_VARIABLE):
        scheme = urlsplit(url).scheme
        if scheme not in ("redis", "rediss"):
            found["redis"] = f"with {scheme}, redis is reached at addresses that are not known here"
    return found


def _postgres(dsn: str) -> tuple[list[Address], list[str]]:
    """Hosts with ports, and paths of UNIX sockets; PG* variables count as they do for a replica."""
    places, _ = _parse(dsn=dsn, **_NO_OTHERS)
    sockets = [place for place in places if isinstance(place, str)]
    return [(host, int(port)) for host, port in set(places) - set(sockets)], sockets
