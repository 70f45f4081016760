"""Nodes of a Cluster, masters, replicas and Sentinels that speak TLS alone, to each other too."""

import ssl
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from redis.asyncio import Redis

from tests.coordination.own_servers import OwnRedis, OwnSentinel, OwnServers
from tests.security.archives import redis_with_tls
from tests.security.authority import Authority
from tests.security.secure_redis import PASSWORD, RIGHTS, USER

WATCHER, WATCHER_PASSWORD = "watcher", "sentinel-Pa55-word"


def secure_servers(directory: Path, authority: Authority) -> OwnServers:
    """Servers of a test's own that speak TLS."""
    return OwnServers(
        directory,
        partial(SecureNode, authority=authority),
        partial(SecureSentinel, authority=authority),
    )


def _tls(authority: Authority, port: int) -> dict[str, str]:
    server = authority.identity("server")
    return {
        "port": "0",
        "tls-port": str(port),
        "tls-cert-file": str(server.certificate),
        "tls-key-file": str(server.key),
        "tls-ca-cert-file": str(authority.ca_file),
        "tls-auth-clients": "optional",
        "tls-replication": "yes",
    }


def _answers(port: int) -> bool:
    try:
        ssl.get_server_certificate(("127.0.0.1", port), timeout=1)
    except OSError:
        return False
    return True


def _client(port: int, authority: Authority) -> Redis:
    return Redis(port=port, socket_timeout=10, ssl=True, ssl_ca_certs=str(authority.ca_file))


class SecureNode(OwnRedis):
    """A server with a user who has the documented rights and no others."""

    def __init__(self, directory: Path, authority: Authority, **changes: str) -> None:
        super().__init__(directory, **changes)
        self._authority = authority

    def settings(self) -> dict[str, str]:
        """A Cluster's nodes need TLS on their bus, too, and its clients two rights more."""
        in_cluster = "cluster-enabled" in self.changes
        more = {"tls-cluster": "yes"} if in_cluster else {}
        rights = f"{RIGHTS}{' +cluster +command' if in_cluster else ''}"
        user = {"user": f"{USER} on >{PASSWORD} {rights}"}
        return super().settings() | _tls(self._authority, self.port) | more | user

    def command(self) -> Sequence[str | Path]:
        """A user's rights are many words, so there is a configuration file."""
        file = self.directory / "redis.conf"
        lines = (f"{name} {value or chr(34) * 2}" for name, value in self.settings().items())
        file.write_text("\n".join(lines) + "\n")
        return [redis_with_tls(), file]

    def answers(self) -> bool:
        """TLS is spoken."""
        return _answers(self.port)

    def client(self) -> Redis:
        """The unnamed user may do everything."""
        return _client(self.port, self._authority)


class SecureSentinel(OwnSentinel):
    """A Sentinel with a user for those who only ask where the master is."""

    def __init__(
        self, directory: Path, master: OwnRedis, quorum: int, authority: Authority
    ) -> None:
        super().__init__(directory, master, quorum)
        self._authority = authority

    def command(self) -> Sequence[str | Path]:
        """As without TLS, by another program."""
        _, *rest = super().command()
        return [redis_with_tls(), *rest]

    def lines(self) -> list[str]:
        """No plaintext port."""
        _, *rest = super().lines()
        tls = [f"{name} {value}" for name, value in _tls(self._authority, self.port).items()]
        user = f"user {WATCHER} on >{WATCHER_PASSWORD} +auth +hello +ping +client +sentinel"
        return [*tls, user, *rest]

    def answers(self) -> bool:
        """TLS is spoken."""
        return _answers(self.port)

    def client(self) -> Redis:
        """The unnamed user may do everything."""
        return _client(self.port, self._authority)
