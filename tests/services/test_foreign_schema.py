"""Commands given the schema of another service of the runtime: the line that is printed tells what to check."""

from pathlib import Path
from uuid import UUID

import pytest

from rollcall.database.migrations import migrate
from rollcall.database.schema_version import RUNTIME_MIGRATIONS
from tests.services.rollcall_command import RollcallCommand

SCHEMA = "attendance"
BATCH = UUID(int=1)


@pytest.fixture
def rollcall(
    empty_database: str, service_environment: dict[str, str], tmp_path: Path
) -> RollcallCommand:
    """The command on a schema that has the runtime's tables and one of its own."""
    (tmp_path / "1001_mark.sql").write_text(
        "-- depends: 0001_runtime\nCREATE TABLE mark (id int);\nINSERT INTO lane (lane) VALUES (0);"
    )
    migrate(empty_database, SCHEMA, (RUNTIME_MIGRATIONS, tmp_path))
    return RollcallCommand(
        {
            **service_environment,
            "ROLLCALL_POSTGRES_DSN": empty_database,
            "ROLLCALL_DATABASE_SCHEMA": SCHEMA,
        }
    )


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


async def test_the_doctor_names_the_migrations(rollcall: RollcallCommand) -> None:
    printed = await rollcall("doctor", expect=1)
    assert f"schema {SCHEMA} holds migrations that this release does not know: 1001_mark" in printed
