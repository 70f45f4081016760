"""Why Kafka does not let us in: tells what waiting cannot mend from a server that is not up.

aiokafka logs the cause and raises one and the same error for all. So after a failure, and only then,
the brokers are asked again, step by step.
"""

import asyncio
import socket
import ssl
from typing import Any

from aiokafka.client import collect_hosts
from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.admin import SaslAuthenticateRequest, SaslHandShakeRequest
from aiokafka.protocol.metadata import MetadataRequest

from rollcall.access.kafka import KafkaAccess, security_options
from rollcall.access.tls import certificate_refusal, is_client_certificate_refusal
from rollcall.errors import AccessDeniedError

_STEP_SECONDS = 5.0
_CLOSE_SECONDS = 1.0
_NOBODY_THERE = (TimeoutError, ConnectionRefusedError, socket.gaierror)
_NO_ANSWER = (OSError, KafkaError, TimeoutError, AssertionError)
_MISMATCH = "check ROLLCALL_KAFKA_SECURITY_PROTOCOL and the port"
_CERTIFICATE_SETTINGS = (
    "ROLLCALL_KAFKA_SSL_CA_FILE (whom to trust), the host names in ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"
    " and in the brokers' advertised listeners"
)


async def refuse_if_denied(access: KafkaAccess) -> None:
    """Return if waiting may help: a broker lets us in after all, or none answers.

    Raises:
        AccessDeniedError: a broker is there and does not let us in; with what to check.
    """
    refusals = []
    for host, port, _ in collect_hosts(access.kafka_bootstrap_servers):
        refusal = await _Broker(access, host, port).refusal()
        if refusal == "":
            return
        refusals += [f"Kafka at {host}:{port} {refusal}"] if refusal else []
    if refusals:
        raise AccessDeniedError(refusals[0])


class _Broker:
    """One bootstrap server, asked on connections of their own."""

    def __init__(self, access: KafkaAccess, host: str, port: int) -> None:
        self._access = access
        self._host = host
        self._port = port

    async def refusal(self) -> str | None:
        """Why it does not let us in; "" if it does, None if it does not answer."""
        try:
            await self._get_in()
        except ssl.SSLCertVerificationError as error:
            return certificate_refusal(error, _CERTIFICATE_SETTINGS)
        except UnsupportedSaslMechanismError:
            return (
                f"does not offer {self._access.kafka_sasl_mechanism}: check"
                " ROLLCALL_KAFKA_SASL_MECHANISM and the listener's sasl.enabled.mechanisms"
            )
        except IllegalSaslStateError:
            return f"asks for no SASL on this listener: {_MISMATCH}"
        except SaslAuthenticationFailed as error:
            return self._wrong_credentials(error)
        except _NOBODY_THERE:
            return None
        except _NO_ANSWER as error:
            return await self._mismatch(error)
        return ""

    async def _get_in(self) -> None:
        if self._access.kafka_uses_sasl and self._access.kafka_sasl_mechanism == "OAUTHBEARER":
            await self._show_token()
            return
        connection = await self._connect(**security_options(self._access))
        try:
            await connection.send(MetadataRequest([]))
        finally:
            await _close(connection)

    async def _show_token(self) -> None:
        """Show the token and read the answer, which aiokafka does not: it is a refusal if not empty."""
        connection = await self._connect(**self._without_sasl())
        try:
            shaken = await connection.send(SaslHandShakeRequest("OAUTHBEARER"))
            if shaken.error_code == UnsupportedSaslMechanismError.errno:
                raise UnsupportedSaslMechanismError
            if shaken.error_code == IllegalSaslStateError.errno:
                raise IllegalSaslStateError
            shown = OAuthAuthenticator(sasl_oauth_token_provider=self._access.kafka_tokens)
            token, _ = await shown.step(None)
            answer = await connection.send(SaslAuthenticateRequest(token))
            if answer.error_code or answer.sasl_auth_bytes:
                said = answer.error_message or answer.sasl_auth_bytes.decode(errors="replace")
                raise SaslAuthenticationFailed(said)
        finally:
            await _close(connection)

    def _wrong_credentials(self, error: KafkaError) -> str:
        checked = "ROLLCALL_KAFKA_SASL_USERNAME and ROLLCALL_KAFKA_SASL_PASSWORD"
        if self._access.kafka_sasl_mechanism == "OAUTHBEARER":
            checked = (
                "the token's issuer, audience and expiry, and the ROLLCALL_KAFKA_OAUTH_* settings"
            )
        said = " ".join(map(str, error.args))
        return f"refuses our credentials ({said}): check {checked}"

    async def _mismatch(self, error: BaseException) -> str | None:
        """The listener is secured in another way than we think; None if it does not look so."""
        if self._access.kafka_uses_tls:
            if await self._connects(security_protocol="PLAINTEXT"):
                return f"speaks no TLS on this port: {_MISMATCH}"
            if is_client_certificate_refusal(error):
                return (
                    "does not take our certificate: check ROLLCALL_KAFKA_SSL_CERT_FILE and"
                    " .._KEY_FILE, and whom the broker trusts (ssl.truststore)"
                )
        elif await self._connects(security_protocol="SSL", ssl_context=_trusting()):
            return f"expects TLS on this port: {_MISMATCH}"
        if not self._access.kafka_uses_sasl and await self._asks_for_sasl():
            return f"asks for SASL on this listener: {_MISMATCH}"
        return None

    async def _connects(self, **security: Any) -> bool:
        """Whether the broker tells its versions to somebody who comes like that."""
        try:
            await _close(await self._connect(**security))
        except _NO_ANSWER as error:
            # One that demands a certificate of ours speaks TLS, too.
            return is_client_certificate_refusal(error)
        return True

    async def _asks_for_sasl(self) -> bool:
        try:
            connection = await self._connect(**self._without_sasl())
        except _NO_ANSWER:
            return False
        try:
            answer = await connection.send(SaslHandShakeRequest("PLAIN"))
        except _NO_ANSWER:
            return False
        finally:
            await _close(connection)
        return bool(answer.error_code != IllegalSaslStateError.errno)

    def _without_sasl(self) -> dict[str, Any]:
        options = security_options(self._access)
        tls = {name: value for name, value in options.items() if name == "ssl_context"}
        return tls | {"security_protocol": "SSL" if tls else "PLAINTEXT"}

    async def _connect(self, **security: Any) -> AIOKafkaConnection:
        async with asyncio.timeout(_STEP_SECONDS):
            return await create_conn(
                self._host,
                self._port,
                client_id="rollcall-access",
                request_timeout_ms=int(_STEP_SECONDS * 1000),
                **security,
            )


async def _close(connection: AIOKafkaConnection) -> None:
    """Close, and give TLS a moment to say so."""
    await asyncio.wait([connection.close()], timeout=_CLOSE_SECONDS)


def _trusting() -> ssl.SSLContext:
    """Finds out whether TLS is spoken at all; nothing of ours is sent through it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
