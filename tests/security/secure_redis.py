"""A Redis that is reached through TLS alone, by users with few rights."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from rollcall_cluster.embedded import EmbeddedRedis
from tests.security.archives import redis_with_tls
from tests.security.authority import Authority

USER, PASSWORD = "rollcall", "redis-Pa55-word"
PREFIX = "secured"
# Of docs/security.md; a Cluster's user needs two more.
RIGHTS = f"~{PREFIX}:* ~{{{PREFIX}:* &{PREFIX}:* +@read +@write +@scripting +@pubsub +info +time"


class SecureRedis(EmbeddedRedis):
    """Redis 7 with OpenSSL; a client may show a certificate, and is refused if it is a stranger's."""

    def __init__(self, directory: Path, authority: Authority) -> None:
        super().__init__(directory)
        self._authority = authority

    def url(self, user: str = USER, password: str = PASSWORD, **query: object) -> str:
        """Its address for a user, with TLS parameters."""
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        return f"rediss://{user}:{password}@127.0.0.1:{self.port}/0?{parameters}"

    def settings(self) -> dict[str, str]:
        """No plaintext port; a user who may do with our keys what we do."""
        server = self._authority.identity("server")
        return super().settings() | {
            "port": "0",
            "tls-port": str(self.port),
            "tls-cert-file": str(server.certificate),
            "tls-key-file": str(server.key),
            "tls-ca-cert-file": str(self._authority.ca_file),
            "tls-auth-clients": "optional",
            "appendonly": "no",
            "user": f"{USER} on >{PASSWORD} {RIGHTS}",
        }

    def command(self) -> Sequence[str | Path]:
        """A user's rights are many words, so there is a configuration file."""
        file = self.directory / "redis.conf"
        lines = (f"{name} {value or chr(34) * 2}" for name, value in self.settings().items())
        file.write_text("\n".join(lines) + "\n")
        return [redis_with_tls(), file]

    def answers(self) -> bool:
        """TLS is spoken."""
        try:
            ssl.get_server_certificate(("127.0.0.1", self.port), timeout=1)
        except OSError:
            return False
        return True
