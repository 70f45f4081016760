"""Certificates for a run's servers and clients, made once."""

import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ISSUER, AUDIENCE, KEY_ID = "https://issuer.test", "kafka", "key-1"


@dataclass(frozen=True)
class Identity:
    """A certificate with its chain, and its private key in the form (PKCS #8) that Kafka reads."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """Files of two authorities: one that the servers are signed by, one that nobody knows."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.ca_file = directory / "ca.pem"
        self.stranger_ca_file = directory / "stranger-ca.pem"
        self.jwks_file = directory / "jwks.json"
        self._signing_key = directory / "jwt.key"

    def create(self) -> None:
        """Write everything; once for each directory."""
        self._directory.mkdir()
        ours, stranger = trustme.CA(), trustme.CA()
        ours.cert_pem.write_to_path(self.ca_file)
        stranger.cert_pem.write_to_path(self.stranger_ca_file)
        self._write("server", ours.issue_cert("localhost", "127.0.0.1", common_name="server"))
        self._write("elsewhere", ours.issue_cert("elsewhere.test", common_name="elsewhere"))
        self._write("local", ours.issue_cert("localhost", common_name="local"))
        self._write("client", ours.issue_cert("rollcall@client.test", common_name="rollcall"))
        self._write("stranger", stranger.issue_cert("who@client.test", common_name="rollcall"))
        self._write_signing_key()
        for file in self._directory.iterdir():
            file.chmod(0o644)  # the user that runs PostgreSQL for root reads it
        self._directory.chmod(0o755)

    def identity(self, name: str) -> Identity:
        """`server`, `local` (for localhost, not 127.0.0.1), `elsewhere` (for another host), `client`, `stranger`."""
        folder = self._directory
        return Identity(folder / f"{name}.crt", folder / f"{name}.key", folder / f"{name}.pem")

    def token(self, *, issuer: str = ISSUER, life_seconds: float = 600) -> str:
        """A signed token for the user `rollcall`."""
        now = int(time.time())
        claims = {"sub": "rollcall", "iss": issuer, "aud": AUDIENCE, "iat": now}
        header = {"alg": "RS256", "kid": KEY_ID}
        signed = f"{_encoded(header)}.{_encoded(claims | {'exp': int(now + life_seconds)})}"
        key: Any = serialization.load_pem_private_key(self._signing_key.read_bytes(), None)
        signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64(signature)}"

    def _write(self, name: str, issued: trustme.LeafCert) -> None:
        identity = self.identity(name)
        chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
        key = _pkcs8(issued.private_key_pem.bytes())
        identity.certificate.write_bytes(chain)
        identity.key.write_bytes(key)
        identity.both.write_bytes(key + chain)

    def _write_signing_key(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._signing_key.write_bytes(_unencrypted(key))
        numbers = key.public_key().public_numbers()
        public = {"kty": "RSA", "kid": KEY_ID, "use": "sig", "alg": "RS256"}
        public |= {"n": _base64(numbers.n.to_bytes(256)), "e": _base64(numbers.e.to_bytes(3))}
        self.jwks_file.write_text(json.dumps({"keys": [public]}))


def _encoded(part: dict[str, Any]) -> str:
    return _base64(json.dumps(part).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _pkcs8(pem: bytes) -> bytes:
    return _unencrypted(serialization.load_pem_private_key(pem, password=None))


def _unencrypted(key: Any) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
