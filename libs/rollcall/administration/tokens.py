"""Who may administer or read: holders of a bearer token, compared in constant time."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

_BEARER = HTTPBearer(auto_error=False, description="One of ROLLCALL_ADMIN_TOKENS.")
_READER = HTTPBearer(
    auto_error=False,
    scheme_name="Reader",
    description="One of ROLLCALL_READ_TOKENS or ROLLCALL_ADMIN_TOKENS.",
)
_OFF = "administration over HTTP is off here; ROLLCALL_ADMIN_TOKENS turns it on"
_READ_REFUSED = "reading needs a valid token here: Authorization: Bearer <token>"
_REFUSED = "administration needs a valid token: Authorization: Bearer <token>"

Authorize = Callable[..., Awaitable[str]]


def authorization(tokens: tuple[str, ...]) -> Authorize:
    """A dependency that lets holders of a token pass and tells which token it was.

    A token is told by the first 8 hexadecimal digits of its SHA-256, so that the audit can tell two
    tokens apart without knowing either.

    Raises (in a request):
        HTTPException: 403 if there are no tokens; 401 if the request has none of them.
    """
    digests = _digests(tokens)

    async def authorize(
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    ) -> str:
        if not digests:
            raise HTTPException(403, _OFF)
        return _known(credentials, digests, _REFUSED)

    return authorize


def reading(tokens: tuple[str, ...]) -> Authorize:
    """A dependency that lets readers who hold a token pass, and tells which token it was.

    Raises (in a request):
        HTTPException: 401 if the request has none of the tokens.
    """
    digests = _digests(tokens)

    async def authorize(
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_READER)],
    ) -> str:
        return _known(credentials, digests, _READ_REFUSED)

    return authorize


def _digests(tokens: tuple[str, ...]) -> list[bytes]:
    return [sha256(token.encode()).digest() for token in tokens]


def _known(
    credentials: HTTPAuthorizationCredentials | None, digests: list[bytes], refusal: str
) -> str:
    given = sha256((credentials.credentials if credentials else "").encode()).digest()
    # Every token is compared, so that the time says nothing about which of them came close.
    matches = [compare_digest(given, digest) for digest in digests]
    if credentials is None or not any(matches):
        raise HTTPException(401, refusal, headers={"WWW-Authenticate": "Bearer"})
    return given.hex()[:8]
