"""Whether all replicas together get the connections that they want."""

from collections.abc import Iterator

from rollcall_cluster.doctor.check import Check, Found, problem, warning
from rollcall_cluster.doctor.facts import Facts, PostgresFacts

_TIGHT = 0.9
_UNLIMITED = -1


def _connections(facts: Facts) -> Iterator[Found]:
    postgres = facts.postgres
    assert isinstance(postgres, PostgresFacts)
    each = facts.settings.database_pool_size + 1
    wanted = facts.replica_count * each
    prefix = f"{facts.settings.service_name}:"
    others = sum(n for name, n in postgres.sessions.items() if not name.startswith(prefix))
    told = f"{facts.replica_count} replicas want {wanted} connections ({each} each)"
    for limit, left, remedy in _limits(postgres, others):
        advice = f"{remedy}, or lower ROLLCALL_DATABASE_POOL_SIZE"
        if wanted > left:
            yield problem(f"{told}, {limit} leaves {left}", advice)
        elif wanted > left * _TIGHT:
            yield warning(
                f"{told} of the {left} that {limit} leaves: a rolling update has no room", advice
            )


def _limits(postgres: PostgresFacts, others: int) -> Iterator[tuple[str, int, str]]:
    """Each limit: what it is, how many connections it leaves to replicas, how it is raised."""
    most = int(postgres.settings["max_connections"])
    kept = sum(
        int(postgres.settings.get(name, 0))
        for name in ("superuser_reserved_connections", "reserved_connections")
    )
    yield (
        f"max_connections={most} with {kept} reserved and {others} used by others",
        most - kept - others,
        f"ALTER SYSTEM SET max_connections = {most * 2} and restart PostgreSQL",
    )
    if postgres.user_limit != _UNLIMITED:
        yield (
            f"the connection limit {postgres.user_limit} of role {postgres.user}",
            postgres.user_limit,
            f"ALTER ROLE {postgres.user} CONNECTION LIMIT {postgres.user_limit * 2}",
        )
    if postgres.database_limit != _UNLIMITED:
        yield (
            f"the connection limit {postgres.database_limit} of database {postgres.database}",
            postgres.database_limit,
            f"ALTER DATABASE {postgres.database} CONNECTION LIMIT {postgres.database_limit * 2}",
        )


CHECKS = (
    Check(
        "connections",
        "pools of all replicas against max_connections and limits of role and database",
        ("postgres",),
        _connections,
    ),
)
