"""A PostgreSQL that asks for TLS and passwords; its certificate is for `localhost` alone."""

import os
import shutil
from pathlib import Path

import psycopg

from rollcall_cluster.embedded import EmbeddedPostgres, postgres_account
from tests.security.archives import postgres_installation
from tests.security.authority import Authority

USER, PASSWORD, CERTIFIED = "encrypted", "postgres-Pa55-word", "certified"
WITHDRAWN = "withdrawn"

# Who: `postgres` without TLS, for looking on; `encrypted` with TLS and a password; `certified` with a
# certificate of his own; `withdrawn` like the first, until a test takes the password away.
_WHO_MAY = f"""\
hostnossl all postgres 127.0.0.1/32 trust
hostssl all {USER} 127.0.0.1/32 scram-sha-256
hostssl all {WITHDRAWN} 127.0.0.1/32 scram-sha-256
hostssl all {CERTIFIED} 127.0.0.1/32 cert map=people
"""
_PEOPLE = "people rollcall {certified}\n"


class SecurePostgres(EmbeddedPostgres):
    """PostgreSQL 18 with OpenSSL."""

    def __init__(self, directory: Path, authority: Authority) -> None:
        super().__init__(directory)
        self._authority = authority

    def program(self, name: str) -> Path:
        """Of the build with OpenSSL."""
        installation = postgres_installation()
        version = installation.parent.name
        return postgres_account.reachable_installation(installation, version) / "bin" / name

    def dsn(
        self,
        user: str = USER,
        password: str | None = PASSWORD,
        host: str = "localhost",
        **query: str,
    ) -> str:
        """Its address for a user, with TLS parameters."""
        who = f"{user}:{password}" if password else user
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        return f"postgresql://{who}@{host}:{self.port}/postgres?{parameters}"

    def initialise(self, data_directory: Path) -> None:
        """Who may come, and the server's certificate."""
        super().initialise(data_directory)
        (data_directory / "pg_hba.conf").write_text(_WHO_MAY)
        (data_directory / "pg_ident.conf").write_text(_PEOPLE.format(certified=CERTIFIED))
        server = self._authority.identity("local")
        for source, name in ((server.certificate, "server.crt"), (server.key, "server.key")):
            shutil.copy(source, data_directory / name)
        key = data_directory / "server.key"
        key.chmod(0o600)
        if postgres_account.is_root():
            user = postgres_account.system_user()
            os.chown(key, user.pw_uid, user.pw_gid)

    def extra_settings(self) -> str:
        """TLS with certificates of clients, too."""
        return (
            "ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n"
            f"ssl_ca_file = '{self._authority.ca_file}'\n"
        )

    def create_users(self) -> None:
        """The users that pg_hba.conf speaks of; harmless if they exist."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            for user in {USER, WITHDRAWN} - known:
                connection.execute(f"CREATE ROLE {user} LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
            if CERTIFIED not in known:
                connection.execute(f"CREATE ROLE {CERTIFIED} LOGIN SUPERUSER")
