"""Commands given the schema of another service of the runtime: the line that is printed tells what to check."""

from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from rollcall.database.migrations import migrate
from rollcall.database.schema_version import RUNTIME_MIGRATIONS
from tests.services.rollcall_command import RollcallCommand

SCHEMA = "attendance"
ROLE = "pg_monitor"
"""A role of every server, with no right to anything here."""
BATCH = UUID(int=1)


@pytest.fixture
def environment(
    empty_database: str, service_environment: dict[str, str], tmp_path: Path
) -> dict[str, str]:
    """Names a schema that has the runtime's tables and one of its own."""
    (tmp_path / "1001_mark.sql").write_text(
        "-- depends: 0001_runtime\nCREATE TABLE mark (id int);\nINSERT INTO lane (lane) VALUES (0);"
    )
    migrate(empty_database, SCHEMA, (RUNTIME_MIGRATIONS, tmp_path))
    return {
        **service_environment,
        "ROLLCALL_POSTGRES_DSN": empty_database,
        "ROLLCALL_DATABASE_SCHEMA": SCHEMA,
    }


@pytest.fixture
def rollcall(environment: dict[str, str]) -> RollcallCommand:
    """The command there."""
    return RollcallCommand(environment)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("batch pending", 1),
        (f"batch pending {BATCH}", 1),
        (f"batch complete {BATCH}", 1),
        ("purge --older-than 1d", 1),
        ("reconcile", 1),
        ("verify", 2),
    ],
)
async def test_what_needs_the_tables_of_batches_says_what_to_check(
    rollcall: RollcallCommand, line: str, code: int
) -> None:
    printed = await rollcall(*line.split(), expect=code)
    assert printed.count("\n") == 1, printed
    assert "check ROLLCALL_DATABASE_SCHEMA" in printed


async def test_what_needs_only_the_tables_of_the_runtime_serves_every_service(
    rollcall: RollcallCommand,
) -> None:
    assert await rollcall("audit", "list") == "nothing was done by hand\n"


@pytest.mark.parametrize("line", ["audit list", "dlq list", "topic list"])
async def test_what_the_user_may_not_read_is_named(
    environment: dict[str, str], empty_database: str, line: str
) -> None:
    """The schema is there for it, its tables are not."""
    with psycopg.connect(empty_database) as connection:
        connection.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {ROLE}")
    rollcall = RollcallCommand(
        {**environment, "ROLLCALL_POSTGRES_DSN": f"{empty_database}?role={ROLE}"}
    )
    printed = await rollcall(*line.split(), expect=1)
    assert printed.count("\n") == 1, printed
    assert "permission denied for table" in printed
    assert "grant it to the user in ROLLCALL_POSTGRES_DSN" in printed


async def test_the_doctor_names_the_migrations(rollcall: RollcallCommand) -> None:
    printed = await rollcall("doctor", expect=1)
    assert f"schema {SCHEMA} holds migrations that this release does not know: 1001_mark" in printed
