"""Looks at Redis, if the deployment uses it."""

import asyncio
from typing import Any

from redis.asyncio import RedisCluster
from redis.exceptions import RedisError

from rollcall.coordination.topology import connect
from rollcall.errors import ConfigurationError
from rollcall.settings import ServiceSettings
from rollcall_cluster.doctor.facts import RedisFacts, Unseen

_CONFIG = ("maxmemory", "maxmemory-policy", "appendonly", "appendfsync", "save")


async def look_at_redis(
    settings: ServiceSettings, limit_seconds: float
) -> RedisFacts | Unseen | None:
    """What the server says of itself; None if the settings name none."""
    if settings.redis_url is None:
        return None
    try:
        async with asyncio.timeout(limit_seconds):
            client = connect(settings.redis_url.get_secret_value(), limit_seconds)
            try:
                return await _look(client)
            finally:
                await client.aclose()
    except (RedisError, OSError, TimeoutError, ConfigurationError) as error:
        return Unseen(f"Redis gives no answer ({error!r}): check ROLLCALL_REDIS_URL")


async def _look(client: Any) -> RedisFacts:
    # Of a cluster, one node speaks for all.
    where = {"target_nodes": RedisCluster.RANDOM} if isinstance(client, RedisCluster) else {}
    server = await client.info("server", **where)
    replication = await client.info("replication", **where)
    return RedisFacts(
        version=str(server["redis_version"]),
        role=str(replication["role"]),
        config=await _config(client, where),
    )


async def _config(client: Any, where: dict[str, Any]) -> dict[str, str]:
    try:
        found = await client.config_get(*_CONFIG, **where)
    except RedisError:
        return {}  # managed services forbid the command
    return {str(_text(name)): str(_text(value)) for name, value in found.items()}


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
