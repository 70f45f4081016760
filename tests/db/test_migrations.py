"""The schema: made once, however often and by whomever; never used by a program that does not know it."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest

from essay_lifecycle_service import migrations_folders
from rollcall.database.migrations import migrate
from rollcall.database.schema_version import check_schema, known_migrations
from rollcall.errors import ConfigurationError, SchemaNotMigratedError, SchemaTooNewError
from tests.db.connected import connected

ALL = sorted(known_migrations(migrations_folders()))


def from_the_future(folder: Path, name: str = "9001_future") -> tuple[Path, ...]:
    """Folders of a release that has one migration more."""
    (folder / f"{name}.sql").write_text(
        "-- depends: 1001_batches_and_slots\nCREATE TABLE future (id int PRIMARY KEY);"
    )
    return (*migrations_folders(), folder)


async def check(dsn: str, schema: str = "els") -> None:
    """Do what a starting replica does."""
    async with connected(dsn, schema) as connection:
        await check_schema(connection, schema, migrations_folders())


def test_an_empty_database_gets_every_migration_in_order(empty_database: str) -> None:
    assert migrate(empty_database, "els", migrations_folders()) == ALL


async def test_a_migrated_schema_is_what_a_replica_wants(empty_database: str) -> None:
    migrate(empty_database, "els", migrations_folders())
    await check(empty_database)


def test_migrating_again_applies_nothing(empty_database: str) -> None:
    migrate(empty_database, "els", migrations_folders())
    assert migrate(empty_database, "els", migrations_folders()) == []


async def test_several_processes_may_migrate_at_once(empty_database: str) -> None:
    outcomes = await asyncio.gather(
        *(asyncio.to_thread(migrate, empty_database, "els", migrations_folders()) for _ in range(4))
    )
    assert sorted(outcomes) == [[], [], [], ALL]


async def test_a_lock_left_behind_by_a_killed_migration_holds_nothing_up(
    empty_database: str, tmp_path: Path
) -> None:
    """yoyo's lock is a row that outlives its process; ours ends with its session."""
    migrate(empty_database, "els", migrations_folders())
    async with connected(empty_database, "els") as connection:
        await connection.execute(
            "INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 12345)"
        )
    assert migrate(empty_database, "els", from_the_future(tmp_path)) == ["9001_future"]


def test_an_older_release_refuses_to_migrate_a_newer_schema(
    empty_database: str, tmp_path: Path
) -> None:
    migrate(empty_database, "els", from_the_future(tmp_path))
    with pytest.raises(SchemaTooNewError, match=r"9001_future.*newer.*DATABASE_SCHEMA"):
        migrate(empty_database, "els", migrations_folders())


async def test_an_older_release_refuses_to_run_on_a_newer_schema(
    empty_database: str, tmp_path: Path
) -> None:
    migrate(empty_database, "els", from_the_future(tmp_path))
    with pytest.raises(SchemaTooNewError, match="9001_future"):
        await check(empty_database)


async def test_an_older_release_goes_on_with_a_schema_that_only_has_more(
    empty_database: str, tmp_path: Path
) -> None:
    """Schema first, code later: replicas of the release before start and restart meanwhile."""
    folders = from_the_future(tmp_path, "9001_future_additive")
    assert migrate(empty_database, "els", folders) == [*ALL, "9001_future_additive"]
    await check(empty_database)
    assert migrate(empty_database, "els", migrations_folders()) == []


async def test_a_newer_release_waits_for_its_migration(empty_database: str, tmp_path: Path) -> None:
    migrate(empty_database, "els", migrations_folders())
    async with connected(empty_database, "els") as connection:
        with pytest.raises(SchemaNotMigratedError, match="9001_future"):
            await check_schema(connection, "els", from_the_future(tmp_path))


async def test_an_empty_database_tells_to_run_migrate(empty_database: str) -> None:
    with pytest.raises(SchemaNotMigratedError, match="run the service's 'migrate' command"):
        await check(empty_database)


async def test_deployments_in_one_database_have_a_schema_each(empty_database: str) -> None:
    assert migrate(empty_database, "els", migrations_folders()) == ALL
    with pytest.raises(SchemaNotMigratedError):
        await check(empty_database, "els_blue")
    assert migrate(empty_database, "els_blue", migrations_folders()) == ALL
    await check(empty_database, "els_blue")


def test_a_migration_that_fails_leaves_nothing_behind(empty_database: str, tmp_path: Path) -> None:
    folders = from_the_future(tmp_path)
    (tmp_path / "9002_broken.sql").write_text(
        "-- depends: 9001_future\nCREATE TABLE half (id int);\nSELECT 1 / 0;"
    )
    with pytest.raises(psycopg.Error):
        migrate(empty_database, "els", folders)
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT to_regclass('els.half')").fetchone() == (None,)


@pytest.mark.parametrize("schema", ["", "Els", "e-l-s", 'x"; DROP TABLE y', "x" * 64])
def test_a_schema_name_that_would_need_quoting_is_refused(empty_database: str, schema: str) -> None:
    with pytest.raises(ConfigurationError, match="lower-case"):
        migrate(empty_database, schema, migrations_folders())


async def test_the_schema_itself_forbids_what_must_not_be(connection: Any) -> None:
    """The last word against counters that lie: checks on the batch row."""
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(
            "INSERT INTO batch (batch_id, expected_count, open_count, filled_count, course_code,"
            " essay_instructions, user_id, correlation_id, registration_digest)"
            " VALUES (gen_random_uuid(), 3, 3, 1, '', '', '', gen_random_uuid(), '')"
        )
