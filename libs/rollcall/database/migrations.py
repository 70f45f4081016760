"""Plain SQL migrations, applied by yoyo; a service refuses a schema it does not know."""

import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from yoyo import get_backend, read_migrations

from rollcall import failpoints
from rollcall.database.schema_version import APPLIED, known_migrations, refuse_newer
from rollcall.errors import ConfigurationError, DatabaseUnreachableError
from rollcall.failpoints import Failpoint

# Ends with its session: yoyo's own lock is a row, which a killed process would leave behind.
_LOCK = "SELECT pg_advisory_lock(hashtextextended('rollcall migrations', 0))"

_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def _yoyo_dsn(dsn: str, schema: str) -> str:
    """Name the driver and the schema in the way that yoyo reads them."""
    parts = urlsplit(dsn)
    query = urlencode([*parse_qsl(parts.query), ("schema", schema)], quote_via=quote)
    return urlunsplit(parts._replace(scheme="postgresql+psycopg", query=query))


def _checked_schema(schema: str) -> str:
    if not _SCHEMA_NAME.fullmatch(schema):
        raise ConfigurationError(
            f"database schema {schema!r}: use lower-case letters, digits and underscores"
        )
    return schema


def _connected(dsn: str) -> psycopg.Connection:
    try:
        return psycopg.connect(dsn, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:  # libpq's message says which of these it is
        raise DatabaseUnreachableError(
            f"PostgreSQL cannot be reached: {error}; check ROLLCALL_POSTGRES_DSN: host, user, password,"
            " sslmode and sslrootcert"
        ) from error


def migrate(dsn: str, schema: str, folders: Sequence[Path]) -> list[str]:
    """Create `schema` if need be and apply what is missing of the migrations in `folders`.

    Safe to run from several processes at once. Returns the ids applied by this call, in order.

    Raises:
        SchemaTooNewError: the schema holds migrations that this program does not know.
        DatabaseUnreachableError: the server cannot be reached, or does not let us in.
    """
    with _connected(dsn) as connection:
        connection.execute(_LOCK)
        _create_schema(connection, _checked_schema(schema))
        failpoints.reached(Failpoint.MIGRATION_SCHEMA_CREATED)
        applied = _apply(dsn, schema, folders)
        _grant_to_roles(connection, schema)
        return applied


def _create_schema(connection: psycopg.Connection, schema: str) -> None:
    """Create it unless it is there: a migrator who owns the schema need not own the database."""
    known = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", [schema]).fetchone()
    if known != (True,):
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))


def _grant_to_roles(connection: psycopg.Connection, schema: str) -> None:
    """Give the schema's roles, as far as there are any, their rights on all tables there are now."""
    grant = sql.SQL("{}.grant_roles()").format(sql.Identifier(schema))
    name = grant.as_string(connection)
    if connection.execute("SELECT to_regprocedure(%s) IS NOT NULL", [name]).fetchone() == (True,):
        connection.execute(sql.SQL("SELECT {}").format(grant))


def _apply(dsn: str, schema: str, folders: Sequence[Path]) -> list[str]:
    backend = get_backend(_yoyo_dsn(dsn, schema))
    with closing(backend.connection):
        migrations = read_migrations(*(str(folder) for folder in folders))
        pending = backend.to_apply(migrations)
        applied = {row[0] for row in backend.execute(APPLIED).fetchall()}
        refuse_newer(schema, applied, known_migrations(folders))
        for migration in pending:
            backend.apply_one(migration)
            failpoints.reached(Failpoint.MIGRATION_APPLIED)
        return [migration.id for migration in pending]
