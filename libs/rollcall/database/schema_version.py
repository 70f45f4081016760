"""Which migrations a schema holds, against those that this program knows. Connects to nothing itself."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import asyncpg

from rollcall.errors import SchemaNotMigratedError, SchemaTooNewError

RUNTIME_MIGRATIONS = Path(__file__).parent / "migrations"

ADDITIVE = "_additive"
"""How the name of a migration ends that takes nothing away from the release before it."""

APPLIED = "SELECT migration_id FROM _yoyo_migration"


def known_migrations(folders: Iterable[Path]) -> set[str]:
    """The ids of the migrations that ship with this program."""
    return {file.stem for folder in folders for file in folder.glob("*.sql")}


def refuse_newer(schema: str, applied: set[str], known: set[str]) -> None:
    """Raise if the schema holds migrations from the future that older releases must not meet.

    Raises:
        SchemaTooNewError: with their ids.
    """
    if unknown := sorted(name for name in applied - known if not name.endswith(ADDITIVE)):
        raise SchemaTooNewError(
            f"schema {schema!r} holds migrations unknown to this program: {', '.join(unknown)};"
            " run a newer release of it, or check ROLLCALL_DATABASE_SCHEMA if the schema is another"
            " service's"
        )


async def check_schema(
    connection: asyncpg.Connection, schema: str, folders: Sequence[Path]
) -> None:
    """Refuse to work on a schema that is older or newer than this program.

    Raises:
        SchemaTooNewError: it is newer; waiting would not help.
        SchemaNotMigratedError: it is older, or empty.
    """
    known = known_migrations(folders)
    try:
        applied = {row[0] for row in await connection.fetch(APPLIED)}
    except asyncpg.UndefinedTableError:
        applied = set()
    refuse_newer(schema, applied, known)
    if missing := sorted(known - applied):
        raise SchemaNotMigratedError(
            f"schema {schema!r} lacks the migrations {', '.join(missing)}: run the service's"
            " 'migrate' command first"
        )
