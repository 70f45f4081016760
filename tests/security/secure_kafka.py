"""One broker that is reached in every way that a client of ours may be told to use."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from rollcall_cluster.embedded import EmbeddedKafka, ports
from tests.security.authority import AUDIENCE, ISSUER, Authority

USER, PASSWORD = "rollcall", "kafka-Pa55-word"
LISTENERS = {
    "TLS": "SSL",
    "MUTUAL": "SSL",
    "ELSEWHERE": "SSL",
    "SASLTLS": "SASL_SSL",
    "SASLCLEAR": "SASL_PLAINTEXT",
    "ONLYPLAIN": "SASL_PLAINTEXT",
}
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
_CHANGE_SECONDS = 120
_SECURITY = "org.apache.kafka.common.security"


class SecureKafka(EmbeddedKafka):
    """Its own listener is plaintext, for looking on; `listener(name)` are the others."""

    def __init__(self, directory: Path, authority: Authority) -> None:
        super().__init__(directory)
        self._authority = authority
        self._ports_file = self.directory / "listeners.json"

    def listener(self, name: str) -> str:
        """Bootstrap servers of a listener of `LISTENERS`."""
        return f"127.0.0.1:{self._ports()[name]}"

    def format_options(self) -> Sequence[str]:
        """The user, known before the first start."""
        user = f"name={USER},password={PASSWORD}"
        return [f"--add-scram={name}=[{user}]" for name in ("SCRAM-SHA-256", "SCRAM-SHA-512")]

    def withdraw_user(self) -> None:
        """Delete the user's SCRAM credentials; connections that were let in stay."""
        self._change_user("--delete-config", "SCRAM-SHA-512")

    def restore_user(self) -> None:
        """Give them back."""
        self._change_user("--add-config", f"SCRAM-SHA-512=[password={PASSWORD}]")

    def _change_user(self, *change: str) -> None:
        who = ("--entity-type", "users", "--entity-name", USER)
        where = ("--bootstrap-server", self.address, "--alter")
        program = [*self._java_command("64m"), "kafka.admin.ConfigCommand"]
        subprocess.run(
            [*program, *where, *who, *change],
            check=True,
            timeout=_CHANGE_SECONDS,
            env=dict(os.environ),
        )

    def java_options(self) -> Sequence[str]:
        """Where keys of tokens may be read from."""
        return [f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self._jwks_url}"]

    def extra_properties(self, port: int, controller_port: int) -> Mapping[str, str]:
        """Every listener with its protocol, certificates and mechanisms."""
        places = {"PLAINTEXT": port, **self._ports(), "CONTROLLER": controller_port}
        all_listeners = [f"{name}://127.0.0.1:{number}" for name, number in places.items()]
        protocols = {"PLAINTEXT": "PLAINTEXT", **LISTENERS, "CONTROLLER": "PLAINTEXT"}
        properties = {
            "listeners": ",".join(all_listeners),
            "advertised.listeners": ",".join(all_listeners[:-1]),
            "listener.security.protocol.map": ",".join(map(":".join, protocols.items())),
            **self._certificates("ssl.", "server"),
            **self._certificates("listener.name.elsewhere.ssl.", "elsewhere"),
            "listener.name.mutual.ssl.client.auth": "required",
        }
        for name in ("saslclear", "sasltls"):
            properties |= self._sasl(name, _MECHANISMS)
        return properties | self._sasl("onlyplain", ["PLAIN"])

    @property
    def _jwks_url(self) -> str:
        return self._authority.jwks_file.as_uri()

    def _ports(self) -> dict[str, int]:
        if not self._ports_file.exists():
            self._ports_file.write_text(json.dumps({name: ports.free_port() for name in LISTENERS}))
        found: dict[str, int] = json.loads(self._ports_file.read_text())
        return found

    def _certificates(self, prefix: str, identity: str) -> dict[str, str]:
        return {
            f"{prefix}keystore.type": "PEM",
            f"{prefix}keystore.location": str(self._authority.identity(identity).both),
            f"{prefix}truststore.type": "PEM",
            f"{prefix}truststore.location": str(self._authority.ca_file),
        }

    def _sasl(self, listener: str, mechanisms: Sequence[str]) -> dict[str, str]:
        prefix = f"listener.name.{listener}."
        modules = {
            "PLAIN": f'{_SECURITY}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
            "OAUTHBEARER": f"{_SECURITY}.oauthbearer.OAuthBearerLoginModule required;",
        }
        scram = f"{_SECURITY}.scram.ScramLoginModule required;"
        found = {f"{prefix}sasl.enabled.mechanisms": ",".join(mechanisms)}
        for name in mechanisms:
            found[f"{prefix}{name.lower()}.sasl.jaas.config"] = modules.get(name, scram)
        if "OAUTHBEARER" in mechanisms:
            handler = f"{_SECURITY}.oauthbearer.OAuthBearerValidatorCallbackHandler"
            oauth = f"{prefix}oauthbearer.sasl."
            found[f"{oauth}server.callback.handler.class"] = handler
            found[f"{oauth}oauthbearer.jwks.endpoint.url"] = self._jwks_url
            found[f"{oauth}oauthbearer.expected.issuer"] = ISSUER
            found[f"{oauth}oauthbearer.expected.audience"] = AUDIENCE
        return found
