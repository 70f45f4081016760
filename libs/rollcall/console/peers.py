"""Asks each instance over HTTP what it says of itself: what changes each second is not written down."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from rollcall.console.reader import InstanceRow
from rollcall.http import InstanceStatus

_ANSWER_SECONDS = 1.0
_ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - recognised, not bound

Own = Callable[[], InstanceStatus]


class Peers:
    """The instances of a service; `own` answers for the one that asks, if it is one."""

    def __init__(self, client: httpx.AsyncClient, own: Own | None = None) -> None:
        self._client = client
        self._own = own

    @classmethod
    @asynccontextmanager
    async def open(cls, own: Own | None = None) -> AsyncIterator["Peers"]:
        """Connections last as long as this context. Proxies of the environment are not for peers."""
        async with httpx.AsyncClient(
            timeout=_ANSWER_SECONDS,
            trust_env=False,
            # Addresses are http://: reading the system's certificates costs more than all looks.
            verify=False,  # noqa: S501
        ) as client:
            yield cls(client, own)

    async def ask(self, rows: Iterable[InstanceRow]) -> dict[str, InstanceStatus]:
        """Ask all at once, none for longer than a second; those that do not answer are missing."""
        answers = await asyncio.gather(*(self._ask(row) for row in rows))
        return {answer.instance_id: answer for answer in answers if answer}

    async def _ask(self, row: InstanceRow) -> InstanceStatus | None:
        if self._own and (status := self._own()).instance_id == row.instance_id:
            return status
        if (address := reachable_address(row)) is None:
            return None
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                answer = await self._client.get(f"{address}/v1/instance")
            said = InstanceStatus.model_validate_json(answer.raise_for_status().content)
        except (httpx.HTTPError, ValidationError, TimeoutError):
            return None
        # Another process may have taken the port of one that is gone.
        return said if said.instance_id == row.instance_id else None


def reachable_address(row: InstanceRow) -> str | None:
    """Where to ask; an instance that listens on every address is asked by its host's name."""
    if row.http_url is None:
        return None
    url = urlsplit(row.http_url)
    if url.scheme != "http" or url.hostname is None:
        return None
    if url.hostname in _ANY_ADDRESS:
        return f"http://{row.host}:{url.port or 80}"
    return row.http_url
