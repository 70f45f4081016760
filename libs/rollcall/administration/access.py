"""Who may ask this replica for what, and how often: administrators, readers, everybody."""

from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from typing import Any

from fastapi import Depends, HTTPException

from rollcall.administration.tokens import Authorize, authorization, reading
from rollcall.rate_limit import TokenBucket
from rollcall.settings import ServiceSettings

REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "No valid token"},
    403: {"description": "Administration over HTTP is off"},
    429: {"description": "Too many requests; Retry-After says when to come again"},
}
READ_REFUSALS: dict[int | str, dict[str, Any]] = {status: REFUSALS[status] for status in (401, 429)}


class Access:
    """The guards of one replica's routes. Each kind of route has one limit of rate for all who ask.

    Attributes:
        authorize: lets holders of an administrator's token pass, and tells which token it was.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.authorize: Authorize = authorization(settings.valid_admin_tokens)
        self._read = reading((*settings.valid_read_tokens, *settings.valid_admin_tokens))
        self._read_is_open = not settings.valid_read_tokens
        self._administrators = limited(TokenBucket(settings.admin_requests_per_second))
        self._readers = limited(TokenBucket(settings.read_requests_per_second))

    @property
    def for_administrators(self) -> Sequence[Any]:
        """Dependencies of routes that need an administrator's token. The limit holds for guesses, too."""
        return [Depends(self._administrators), Depends(self.authorize)]

    @property
    def for_readers(self) -> Sequence[Any]:
        """Dependencies of routes that need a reader's or administrator's token, if readers have any."""
        limit = Depends(self._readers)
        return [limit] if self._read_is_open else [limit, Depends(self._read)]


def limited(bucket: TokenBucket) -> Callable[..., Awaitable[None]]:
    """A dependency that lets requests pass as fast as the bucket fills.

    Raises (in a request):
        HTTPException: 429.
    """

    async def take() -> None:
        wait_seconds = bucket.take()
        if wait_seconds:
            raise HTTPException(
                429,
                f"too many requests of this kind here; {bucket.per_second:g} a second are taken",
                headers={"Retry-After": str(ceil(wait_seconds))},
            )

    return take
