"""The PostgreSQL server: its release, what it makes durable, how it isolates, what keeps it from cleaning up."""

from collections.abc import Iterator

from rollcall_cluster.doctor.check import Check, Found, problem, warning
from rollcall_cluster.doctor.facts import Facts, PostgresFacts

_LEAST_VERSION = 170_000
_DURABLE = ("fsync", "full_page_writes")


def _postgres(facts: Facts) -> PostgresFacts:
    assert isinstance(facts.postgres, PostgresFacts)
    return facts.postgres


def _version(facts: Facts) -> Iterator[Found]:
    postgres = _postgres(facts)
    if postgres.version < _LEAST_VERSION:
        yield problem(
            f"PostgreSQL {postgres.version // 10_000}: transaction_timeout, which ends the"
            " transactions of stopped replicas, came with 17",
            "upgrade to PostgreSQL 17 or later",
        )
    if postgres.in_recovery:
        yield problem(
            "the server is a standby: nothing can be written",
            "point ROLLCALL_POSTGRES_DSN at the primary",
        )


def _isolation(facts: Facts) -> Iterator[Found]:
    postgres = _postgres(facts)
    isolation = postgres.settings.get("default_transaction_isolation", "read committed")
    if isolation != "read committed":
        yield problem(
            f"default_transaction_isolation={isolation}: chunks fail with serialization errors"
            " instead of seeing who won",
            f"ALTER ROLE {postgres.user} SET default_transaction_isolation = 'read committed'",
        )
    if postgres.settings.get("default_transaction_read_only") == "on":
        yield problem(
            "default_transaction_read_only=on: nothing can be written",
            f"ALTER ROLE {postgres.user} SET default_transaction_read_only = off",
        )


def _durability(facts: Facts) -> Iterator[Found]:
    settings = _postgres(facts).settings
    for name in _DURABLE:
        if settings.get(name) == "off":
            yield problem(
                f"{name}=off: a crash of the machine destroys the database",
                f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf()",
            )
    if settings.get("synchronous_commit") == "off":
        yield problem(
            "synchronous_commit=off: a crash loses transactions whose events are in Kafka already",
            "ALTER SYSTEM SET synchronous_commit = on; SELECT pg_reload_conf(); look for ALTER ROLE"
            " and ALTER DATABASE, too",
        )


def _sessions(facts: Facts) -> Iterator[Found]:
    postgres = _postgres(facts)
    if postgres.shares_sessions:
        yield problem(
            "two clients were served by one session: a proxy pools transactions or statements, and"
            " the advisory locks of lanes stay behind in its sessions",
            "PgBouncer: pool_mode = session for this database, or point ROLLCALL_POSTGRES_DSN at"
            " PostgreSQL itself",
        )
    dropped = [
        f"{name} is {got}, asked was {asked}"
        for name, (asked, got) in sorted(postgres.session.items())
        if got != asked and name != "application_name"
    ]
    if dropped:
        yield problem(
            f"session settings did not arrive: {'; '.join(dropped)}",
            "PgBouncer: take them out of ignore_startup_parameters, or point ROLLCALL_POSTGRES_DSN"
            " at PostgreSQL itself",
        )


def _vacuum(facts: Facts) -> Iterator[Found]:
    postgres = _postgres(facts)
    for name in ("autovacuum", "track_counts"):
        if postgres.settings.get(name) == "off":
            yield problem(
                f"{name}=off: dead rows of slots, positions and segments are never removed",
                f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf()",
            )
    for table in postgres.unvacuumed:
        yield problem(
            f"autovacuum is off for table {table}",
            f"ALTER TABLE {facts.settings.database_schema}.{table} RESET (autovacuum_enabled)",
        )


def _old_sessions(facts: Facts) -> Iterator[Found]:
    for session in _postgres(facts).old_sessions:
        yield warning(
            f"{session.name} has had a transaction open for {session.seconds:.0f} s: dead rows stay,"
            " and everything becomes slower",
            f"{session.end}, if it is nobody's",
        )


CHECKS = (
    Check("postgres-version", "PostgreSQL 17 or later, a primary", ("postgres",), _version),
    Check("isolation", "READ COMMITTED, writable", ("postgres",), _isolation),
    Check("durability", "fsync, full_page_writes, synchronous_commit", ("postgres",), _durability),
    Check("sessions", "one session for each client, with its settings", ("postgres",), _sessions),
    Check("vacuum", "autovacuum, for the server and for each table", ("postgres",), _vacuum),
    Check(
        "old-transactions",
        "transactions that stay open (--old-seconds)",
        ("postgres",),
        _old_sessions,
    ),
)
