"""Redis, where it is used."""

from collections.abc import Iterator

from rollcall_cluster.doctor.check import Check, Found, problem, unseen, warning
from rollcall_cluster.doctor.facts import Facts, RedisFacts

_LEAST_VERSION = (6, 2)


def _redis(facts: Facts) -> RedisFacts:
    assert isinstance(facts.redis, RedisFacts)
    return facts.redis


def _version(facts: Facts) -> Iterator[Found]:
    redis = _redis(facts)
    if tuple(map(int, redis.version.split(".")[:2])) < _LEAST_VERSION:
        yield problem(f"Redis {redis.version}", "upgrade to Redis 6.2 or later")
    if redis.role != "master":
        yield problem(
            f"the server is a {redis.role}: locks cannot be taken",
            "point ROLLCALL_REDIS_URL at the primary, or use redis+sentinel://",
        )


def _memory(facts: Facts) -> Iterator[Found]:
    redis = _redis(facts)
    if not redis.config:
        yield unseen("the server does not tell its settings", "allow CONFIG GET for this user")
        return
    policy = redis.config.get("maxmemory-policy", "noeviction")
    if policy != "noeviction":
        yield problem(
            f"maxmemory-policy={policy}: locks and their fencing numbers may be evicted",
            "CONFIG SET maxmemory-policy noeviction, and in its file",
        )


def _persistence(facts: Facts) -> Iterator[Found]:
    config = _redis(facts).config
    if config and config.get("appendonly") != "yes":
        yield warning(
            "appendonly=no: counters and states are lost with a restart (locks and marks may be)",
            "CONFIG SET appendonly yes, and in its file, unless Redis holds locks and marks alone",
        )


CHECKS = (
    Check("redis-version", "Redis 6.2 or later, a primary", ("redis",), _version),
    Check("redis-memory", "maxmemory-policy", ("redis",), _memory),
    Check("redis-persistence", "appendonly", ("redis",), _persistence),
)
