"""Tokens for Kafka's OAUTHBEARER: from a file that somebody renews, or from a token endpoint."""

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import SaslAuthenticationFailed
from pydantic import SecretStr

log = structlog.get_logger()

# A token is replaced once so much of its life is over.
_RENEW_AT = 0.8
# What RFC 6749 lets an endpoint leave out.
_DEFAULT_LIFE_SECONDS = 300.0


class FileTokens(AbstractTokenProvider):  # type: ignore[misc]
    """Reads the token anew for each connection, as long as a few hundred bytes cost nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def token(self) -> str:
        """The token.

        Raises:
            SaslAuthenticationFailed: the file cannot be read or is empty.
        """
        try:
            token = (await asyncio.to_thread(self._file.read_text)).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SaslAuthenticationFailed(
                f"ROLLCALL_KAFKA_OAUTH_TOKEN_FILE={self._file} cannot be read:"
                f" {getattr(error, 'strerror', None) or 'no text'}"
            ) from None
        if not token:
            raise SaslAuthenticationFailed(f"ROLLCALL_KAFKA_OAUTH_TOKEN_FILE={self._file} is empty")
        return token


class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc]
    """Asks an endpoint for a token (RFC 6749, 4.4) and keeps it for most of its life."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: SecretStr,
        *,
        scope: str | None = None,
        ca_file: Path | None = None,
        timeout_seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._client = (client_id, client_secret)
        self._form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        self._ca_file = ca_file
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._asking = asyncio.Lock()
        self._token = ""
        self._renew_at = 0.0

    async def token(self) -> str:
        """A token that is good for a while.

        Raises:
            SaslAuthenticationFailed: the endpoint refuses us, or its answer is not one.
            ConnectionError: it does not answer.
        """
        async with self._asking:
            if not self._token or self._clock() >= self._renew_at:
                await self._ask()
            return self._token

    async def _ask(self) -> None:
        import httpx  # only processes that need a token pay for it

        client_id, secret = self._client
        try:
            context = ssl.create_default_context(cafile=self._ca_file)
            async with httpx.AsyncClient(timeout=self._timeout_seconds, verify=context) as client:
                response = await client.post(
                    self._url, data=self._form, auth=(client_id, secret.get_secret_value())
                )
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ConnectionError(
                f"no token from {self._url}: {type(error).__name__}: {error}; check"
                " ROLLCALL_KAFKA_OAUTH_TOKEN_URL and ROLLCALL_KAFKA_OAUTH_CA_FILE"
            ) from error
        self._take(response)

    def _take(self, response: Any) -> None:
        if response.status_code >= 500:
            raise ConnectionError(f"no token from {self._url}: it answered {response.status_code}")
        try:
            answer = response.json()
            token, life = answer["access_token"], answer.get("expires_in", _DEFAULT_LIFE_SECONDS)
            life_seconds = float(life)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SaslAuthenticationFailed(
                f"{self._url} gave no token, it answered {response.status_code}: check"
                " ROLLCALL_KAFKA_OAUTH_CLIENT_ID, .._CLIENT_SECRET and .._SCOPE"
            ) from None
        self._token, self._renew_at = str(token), self._clock() + life_seconds * _RENEW_AT
