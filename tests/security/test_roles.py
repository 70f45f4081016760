"""Roles with the rights they need and no others: a service's whole life as one that may change no table."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg
import psycopg
import pytest
from psycopg import sql

from essay_lifecycle_service import migrations_folders
from rollcall.database.migrations import migrate
from rollcall_cluster.roles.command import ROLES, roles_script
from rollcall_events import BatchContentProvisioningCompletedV1, EssaySlotAssignedV1
from tests.db.events import content, contents, registration
from tests.fixtures.services import StartService
from tests.services.kafka_client import KafkaClient
from tests.services.rollcall_command import RollcallCommand


@dataclass(frozen=True)
class Roled:
    """A database with a schema of its own, and the addresses that lead there by role."""

    administrator: str
    schema: str

    def of(self, role: str) -> str:
        """The address for a role."""
        parts = urlsplit(self.administrator)
        return parts._replace(netloc=f"{self.schema}_{role}@{parts.netloc.split('@')[1]}").geturl()

    def run(self, statement: str, role: str | None = None) -> list[tuple]:
        """Run as a role, or as the administrator."""
        options = f"-csearch_path={self.schema}"
        dsn = self.of(role) if role else self.administrator
        with psycopg.connect(dsn, autocommit=True, options=options) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def create_roles(self) -> None:
        """What the administrator does."""
        self.run(roles_script(self.schema))
        for role in ROLES:
            self.run(f"ALTER ROLE {self.schema}_{role} LOGIN")


@pytest.fixture
def roled(empty_database: str, postgres_dsn: str) -> Iterator[Roled]:
    """Roles belong to the whole server, so those of a test have names of its own."""
    found = Roled(empty_database, f"r{uuid.uuid4().hex[:8]}")
    yield found
    with psycopg.connect(empty_database, autocommit=True) as connection:
        for role in ROLES:
            name = sql.Identifier(f"{found.schema}_{role}")
            if connection.execute(
                "SELECT FROM pg_roles WHERE rolname = %s", [f"{found.schema}_{role}"]
            ).fetchall():
                connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(name))
                connection.execute(sql.SQL("DROP ROLE {}").format(name))


def migrated_with_roles(roled: Roled) -> Roled:
    """As operators do it: the administrator's script, then the migrator's migrations."""
    roled.create_roles()
    migrate(roled.of("migrator"), roled.schema, migrations_folders())
    return roled


async def test_a_replica_lives_its_whole_life_as_the_service_role_and_is_audited_as_the_auditor(
    roled: Roled,
    service_process: StartService,
    service_environment: dict[str, str],
    kafka_bootstrap: str,
    topic_prefix: str,
) -> None:
    """Events, sweep, dead letters, redriving, pausing, purging; then `rollcall verify` that only reads."""
    migrated_with_roles(roled)
    as_service = {
        "ROLLCALL_POSTGRES_DSN": roled.of("service"),
        "ROLLCALL_DATABASE_SCHEMA": roled.schema,
    }
    replica = service_process(ROLLCALL_SWEEP_SECONDS="0.3", **as_service)
    await replica.wait_ready()
    rollcall = RollcallCommand(service_environment | as_service)
    full, late = uuid.uuid4(), uuid.uuid4()

    async with KafkaClient(kafka_bootstrap, topic_prefix) as kafka:
        await kafka.send(registration(full, 2), *contents(full, 3))
        await kafka.send(content(late, "early"))
        await kafka.send_raw(type(content(full, "x")), b"nonsense", partition=0)
        await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
        await kafka.send(registration(late, 1))
        await kafka.wait_for(BatchContentProvisioningCompletedV1, 2)
        assert len(await kafka.committed(EssaySlotAssignedV1)) == 3
    await rollcall("verify", "--at-rest", "--wait-seconds", "60")
    await rollcall("dlq", "discard", "--all", "--reason", "a test")
    await rollcall("purge", "--older-than", "0s")
    as_auditor = service_environment | as_service | {"ROLLCALL_POSTGRES_DSN": roled.of("auditor")}
    await RollcallCommand(as_auditor)("verify", "--at-rest", "--wait-seconds", "60")

    assert replica.log_events("service_failed") == []
    assert "permission denied" not in replica.log
    replica.terminate()
    assert await replica.wait_exit() == 0


FORBIDDEN_TO_SERVICE = [
    "ALTER TABLE slot ADD COLUMN more int",
    "CREATE TABLE more (id int)",
    "DROP TABLE unplaced",
    "TRUNCATE slot",
    "DELETE FROM position",
    "DELETE FROM batch",
    "DELETE FROM dead_letter",
    "UPDATE dead_letter_audit SET reason = 'other'",
    "DELETE FROM topic_audit",
    "UPDATE role_grant SET privileges = 'SELECT'",
    "DELETE FROM _yoyo_migration",
    "CREATE ROLE more",
]


def test_the_service_role_may_not_do_what_a_replica_never_does(roled: Roled) -> None:
    migrated_with_roles(roled)

    for statement in FORBIDDEN_TO_SERVICE:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            roled.run(statement, "service")


def test_the_auditor_reads_every_table_and_writes_none(roled: Roled) -> None:
    migrated_with_roles(roled)
    tables = [row[0] for row in roled.run(_TABLES)]
    assert {"slot", "batch", "position", "dead_letter"} <= set(tables)

    for table in tables:
        roled.run(f'SELECT count(*) FROM "{table}"', "auditor")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            roled.run(f'DELETE FROM "{table}"', "auditor")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        roled.run("INSERT INTO periodic_job VALUES ('more', now())", "auditor")


_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v')
"""
_UNDECLARED = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v')
    AND relname NOT IN (SELECT table_name FROM role_grant)
"""


def test_every_table_of_ours_says_what_the_service_may_do_with_it(database: str) -> None:
    roled = Roled(database, "els")

    assert roled.run(_UNDECLARED) == [], "add a row to role_grant in the migration of the table"


def test_who_migrates_need_not_be_able_to_create_roles(roled: Roled) -> None:
    owner = f"{roled.schema}_owner"
    roled.run(f"CREATE ROLE {owner} LOGIN")
    roled.run(f"GRANT CREATE ON DATABASE {urlsplit(roled.administrator).path[1:]} TO {owner}")
    dsn = roled.of("owner")
    try:
        assert migrate(dsn, roled.schema, migrations_folders())
        assert roled.run(f"SELECT FROM pg_roles WHERE rolname LIKE '{roled.schema}_service'") == []
    finally:
        roled.run(f"DROP OWNED BY {owner} CASCADE; DROP ROLE {owner}")


def test_roles_that_come_after_the_tables_get_the_same_rights(roled: Roled) -> None:
    migrate(roled.administrator, roled.schema, migrations_folders())
    with pytest.raises(psycopg.OperationalError):
        roled.run("SELECT 1", "service")

    roled.create_roles()

    roled.run("INSERT INTO completion SELECT batch_id FROM batch", "service")
    roled.run("ALTER TABLE slot ADD COLUMN more int", "migrator")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        roled.run("DELETE FROM position", "service")


async def test_a_table_that_a_later_migration_adds_is_the_services_too(
    roled: Roled, tmp_path_factory: pytest.TempPathFactory
) -> None:
    migrated_with_roles(roled)
    folder = tmp_path_factory.mktemp("later")
    (folder / "9001_more.sql").write_text("-- depends: 0008_roles\nCREATE TABLE more (id int)")

    migrate(roled.of("migrator"), roled.schema, (*migrations_folders(), folder))

    service = await asyncpg.connect(
        roled.of("service"), server_settings={"search_path": roled.schema}
    )
    try:
        await service.execute("INSERT INTO more VALUES (1)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.execute("DROP TABLE more")
    finally:
        await service.close()
    assert roled.run("SELECT id FROM more", "auditor") == [(1,)]
