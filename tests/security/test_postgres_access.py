"""TLS with verification, passwords and client certificates, at a PostgreSQL that demands them."""

import asyncio
from typing import Any

import pytest

from rollcall.database.migrations import migrate
from rollcall.database.pool import Database, connect_session
from rollcall.errors import AccessDeniedError, DatabaseUnreachableError
from rollcall.settings import ServiceSettings
from tests.security.authority import Authority
from tests.security.secure_postgres import CERTIFIED, SecurePostgres

pytestmark = pytest.mark.long

_IS_ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


async def encrypted(dsn: str) -> bool:
    """Whether the pool and the lanes' session get in, and both through TLS."""
    settings = ServiceSettings(postgres_dsn=dsn, database_pool_size=3)
    database = Database(settings)
    await database.open()
    try:
        async with database.acquire() as connection:
            pooled = await connection.fetchval(_IS_ENCRYPTED)
    finally:
        await database.close()
    session = await connect_session(settings, 10)
    try:
        return pooled and await session.fetchval(_IS_ENCRYPTED)
    finally:
        await session.close()


def verified(authority: Authority) -> dict[str, Any]:
    return {"sslmode": "verify-full", "sslrootcert": authority.ca_file}


async def test_a_verified_server_takes_the_password(
    secure_postgres: SecurePostgres, authority: Authority
) -> None:
    assert await encrypted(secure_postgres.dsn(**verified(authority)))


async def test_a_verified_server_takes_a_certificate_instead_of_a_password(
    secure_postgres: SecurePostgres, authority: Authority
) -> None:
    ours = authority.identity("client")
    dsn = secure_postgres.dsn(
        CERTIFIED, None, **verified(authority), sslcert=ours.certificate, sslkey=ours.key
    )

    assert await encrypted(dsn)


async def test_migrations_verify_the_server_too(
    secure_postgres: SecurePostgres, authority: Authority
) -> None:
    dsn = secure_postgres.dsn(**verified(authority))
    elsewhere = secure_postgres.dsn(host="127.0.0.1", **verified(authority))

    assert await asyncio.to_thread(migrate, dsn, "over_tls", []) == []
    with pytest.raises(DatabaseUnreachableError, match="does not match host name"):
        await asyncio.to_thread(migrate, elsewhere, "over_tls", [])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "wrong password": ({"password": "wr0ng"}, "refuses the password"),
    "unknown user": ({"user": "nobody_known"}, "does not let us in"),
    "unknown authority": ({"sslrootcert": "stranger"}, "of an unknown authority"),
    "another host": ({"host": "127.0.0.1"}, "a certificate for another host"),
    "no TLS": ({"sslmode": "disable", "sslrootcert": None}, "does not let us in.*no encryption"),
}


@pytest.mark.parametrize("mistake", REFUSED)
async def test_a_mistake_is_told_by_its_name_and_not_as_a_server_that_is_down(
    secure_postgres: SecurePostgres, authority: Authority, mistake: str
) -> None:
    changes, words = REFUSED[mistake]
    given = {**verified(authority), **changes}
    if given["sslrootcert"] == "stranger":
        given["sslrootcert"] = authority.stranger_ca_file
    given = {name: value for name, value in given.items() if value or name == "password"}

    with pytest.raises(AccessDeniedError, match=words) as refusal:
        await encrypted(secure_postgres.dsn(**given))

    assert "check" in str(refusal.value)
    assert "wr0ng" not in str(refusal.value)


async def test_a_server_without_tls_is_refused_where_tls_is_demanded(
    postgres_dsn: str, authority: Authority
) -> None:
    dsn = f"{postgres_dsn}?sslmode=verify-full&sslrootcert={authority.ca_file}"

    with pytest.raises(AccessDeniedError, match="speaks no TLS"):
        await encrypted(dsn)


async def test_a_server_that_is_down_is_not_a_refusal(unused_tcp_port: int) -> None:
    dsn = f"postgresql://postgres@127.0.0.1:{unused_tcp_port}/postgres"

    with pytest.raises(OSError, match="Connect"):
        await encrypted(dsn)
