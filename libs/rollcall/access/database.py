"""Why PostgreSQL does not let us in: tells what waiting cannot mend from a server that is not up."""

import ssl

import asyncpg

from rollcall.access.tls import certificate_refusal, find_tls_error, is_client_certificate_refusal
from rollcall.errors import AccessDeniedError

_DSN = "ROLLCALL_POSTGRES_DSN"


def refuse_if_denied(error: BaseException) -> None:
    """Return if waiting may help.

    Raises:
        AccessDeniedError: the server is there and does not let us in, or is not the one it should be.
    """
    if (refusal := database_refusal(error)) is not None:
        raise AccessDeniedError(f"PostgreSQL {refusal}") from error


def database_refusal(error: BaseException) -> str | None:
    """What is wrong with how we come, and what to check; None if that is not the matter."""
    if isinstance(error, asyncpg.InvalidPasswordError):
        return f"refuses the password ({error}): check user and password in {_DSN}"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return (
            f"does not let us in ({error}): check user, database and sslmode in {_DSN}, and the"
            " server's pg_hba.conf"
        )
    if isinstance(error, asyncpg.ClientConfigurationError):
        return f"cannot be asked ({error}): check {_DSN}"
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error):
        return f"speaks no TLS: check sslmode in {_DSN}, or switch ssl on in postgresql.conf"
    tls = find_tls_error(error)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return certificate_refusal(tls, f"sslrootcert and the host in {_DSN}")
    if tls is not None and is_client_certificate_refusal(tls):
        return f"does not take our certificate ({tls.reason}): check sslcert and sslkey in {_DSN}"
    return None
