"""Addresses of Redis: a single server, Sentinel, or Cluster; with TLS and ACL users in each.

`redis://[user:password@]host:port/db` one server ·
`redis+sentinel://[user:password@]host:port,host:port/service[?sentinel_username=..&sentinel_password=..]` ·
`redis+cluster://[user:password@]host:port,host:port`

With `rediss` instead of `redis`, TLS; `?ssl_ca_certs=FILE`, `ssl_certfile`, `ssl_keyfile` as in redis-py.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from rollcall.errors import ConfigurationError

_SCHEMES = ("redis", "redis+sentinel", "redis+cluster")
_PORT, _SENTINEL_PORT = 6379, 26379
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")


def connect(url: str, answer_seconds: float) -> Redis | RedisCluster:
    """Make a client for an address; nothing is connected yet.

    Raises:
        ConfigurationError: the address is not one.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.replace("rediss", "redis", 1)
    if scheme not in _SCHEMES or not parts.netloc:
        raise ConfigurationError(
            f"Redis address {parts.scheme}://..: use one of {_SCHEMES} (or rediss)"
        )
    options = _options(parts, answer_seconds)
    if scheme == "redis+cluster":
        nodes = [ClusterNode(host, port) for host, port in _hosts(parts, _PORT)]
        return RedisCluster(startup_nodes=nodes, **options | {"retry": Retry(NoBackoff(), 2)})
    if scheme == "redis+sentinel":
        return _behind_sentinel(parts, options)
    ((host, port),) = _hosts(parts, _PORT)
    return Redis(host=host, port=port, db=int(parts.path.strip("/") or 0), **options)


def hosts_of(url: str) -> list[tuple[str, int]]:
    """The servers that an address names: of Sentinel and Cluster, those that are asked for the others."""
    parts = urlsplit(url)
    return _hosts(parts, _SENTINEL_PORT if parts.scheme.endswith("+sentinel") else _PORT)


def _behind_sentinel(parts: SplitResult, options: Mapping[str, Any]) -> Redis:
    service = parts.path.strip("/")
    if not service:
        raise ConfigurationError(
            "a Sentinel address ends with the service's name: ..host:port/NAME"
        )
    query = dict(parse_qsl(parts.query))
    limits = {name: value for name, value in options.items() if name.startswith("ssl")}
    # One that does not answer leaves time for the next.
    seconds = options["socket_connect_timeout"] / 3
    limits |= {"socket_timeout": seconds, "socket_connect_timeout": seconds}
    account = {
        "username": query.get("sentinel_username"),
        "password": query.get("sentinel_password"),
    }
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        _hosts(parts, _SENTINEL_PORT),
        sentinel_kwargs=limits | account | {"retry": Retry(NoBackoff(), 0)},
        **options,
    )
    client: Redis = sentinel.master_for(service)
    return client


def _options(parts: SplitResult, answer_seconds: float) -> dict[str, Any]:
    query = dict(parse_qsl(parts.query))
    options: dict[str, Any] = {
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "socket_timeout": None,  # the whole answer has a limit, see RedisServer
        "socket_connect_timeout": answer_seconds,
        "retry": Retry(NoBackoff(), 0),  # what may be asked again is known here alone
    }
    if parts.scheme.startswith("rediss"):
        options["ssl"] = True
        options |= {name: query[name] for name in _FILES if name in query}
        if "ssl_check_hostname" in options:
            options["ssl_check_hostname"] = options["ssl_check_hostname"] == "true"
    return options


def _hosts(parts: SplitResult, default_port: int) -> list[tuple[str, int]]:
    pairs = []
    for address in parts.netloc.rpartition("@")[2].split(","):
        host, _, port = address.rpartition(":") if ":" in address else (address, "", "")
        pairs.append((host, int(port or default_port)))
    return pairs
