"""Keeps the state of a pipeline between its steps: typed, versioned, and checked when it is read."""

import secrets
from dataclasses import dataclass
from hashlib import blake2b, sha1
from typing import Generic, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from rollcall.coordination.hold import Hold
from rollcall.coordination.keys import Keys
from rollcall.coordination.server import DELETE, RedisServer, Script
from rollcall.errors import ConfigurationError, StateConflictError, StateTooLargeError
from rollcall.telemetry.coordination_metrics import CoordinationMetrics

log = structlog.get_logger()

_SAVE = Script("save.lua", repeatable=True, in_order=True)
_QUARANTINE = Script("quarantine.lua", repeatable=True)

_QUARANTINE_DAYS = 7
_FIELDS = ("version", "body", "digest", "good_body", "good_digest")
_READS = 3

M = TypeVar("M", bound=BaseModel)


@dataclass(slots=True, frozen=True)
class Stored(Generic[M]):
    """A state as it was read.

    Attributes:
        recovered: a later one was damaged and is in quarantine; this is the last good step.
    """

    value: M
    version: int
    recovered: bool = False


class StateStore(Generic[M]):
    """States of one model by id.

    Args:
        model: what a state is; its JSON is what stands in Redis.
        keep_seconds: after so long without a save a state is gone.
        max_bytes: largest JSON.
    """

    def __init__(
        self,
        server: RedisServer,
        keys: Keys,
        metrics: CoordinationMetrics,
        name: str,
        model: type[M],
        *,
        keep_seconds: float,
        max_bytes: int,
    ) -> None:
        self._server = server
        self._keys = keys
        self._metrics = metrics
        self._name = name
        self._model = model
        self._keep_ms = int(keep_seconds * 1000)
        self._max_bytes = max_bytes

    async def load(self, id_: str) -> Stored[M] | None:
        """Read a state, None if there is none. A damaged one is set aside, and the one before is read.

        Raises:
            CoordinationUnavailableError: Redis does not answer.
            StateConflictError: it was replaced again and again while it was read.
        """
        recovered = False
        for _ in range(_READS):
            found = await self._server.command("HMGET", self._key(id_), *_FIELDS)
            version, body, digest, good_body, good_digest = found
            if version is None:
                return None
            value, damage = self._decode(body, digest)
            if value is not None:
                return Stored(value, int(version), recovered)
            good = self._decode(good_body, good_digest)[0] is not None
            recovered |= await self._set_aside(id_, version, body or b"", damage, good)
        raise StateConflictError(f"state {id_!r} of {self._name} is replaced while it is read")

    async def save(self, id_: str, value: M, *, version: int, hold: Hold | None = None) -> int:
        """Replace the state that was read at `version` (0: there was none); returns the new version.

        With `hold`, of the lock named like the state, only while that is held: checked in the same step.

        Raises:
            StateConflictError: it is at another version, or the lock is lost. Nothing was saved.
            StateTooLargeError: it is larger than `max_bytes`.
            CoordinationUnavailableError: Redis does not answer; it may have been saved: load it.
        """
        body = value.model_dump_json().encode()
        if len(body) > self._max_bytes:
            raise StateTooLargeError(
                f"state {id_!r} of {self._name}: {len(body)} bytes; at most {self._max_bytes} are kept"
            )
        keys = [self._key(id_)] if hold is None else [self._key(id_), self._lock_key(id_, hold)]
        answer = await self._server.run(
            _SAVE,
            keys,
            version,
            body,
            _digest(body),
            self._keep_ms,
            hold.token if hold else "",
            secrets.token_hex(8),
        )
        if answer[0] == 1:
            return int(answer[1])
        found = "the lock is not held" if answer[0] == -1 else f"it is at version {answer[1]}"
        raise StateConflictError(f"state {id_!r} of {self._name}, read at {version}: {found}")

    async def delete(self, id_: str) -> None:
        """Forget a state, in quarantine or not.

        Raises:
            CoordinationUnavailableError: Redis does not answer; it may still be deleted, for ten seconds.
        """
        await self._server.run(DELETE, [self._key(id_), self._quarantine_key(id_)])

    async def quarantined(self, id_: str) -> bytes | None:
        """The bytes of the newest damaged state, for a week."""
        body: bytes | None = await self._server.command("HGET", self._quarantine_key(id_), "body")
        return body

    def _decode(self, body: bytes | None, digest: bytes | None) -> tuple[M | None, str]:
        """The value, or why there is none."""
        if body is None or digest is None:
            return None, "incomplete"
        if _digest(body) != digest:
            return None, "the bytes are not those that were saved"
        try:
            return self._model.model_validate_json(body), ""
        except ValidationError as error:
            return None, f"not a {self._model.__name__}: {error.error_count()} errors"

    async def _set_aside(
        self, id_: str, version: bytes, body: bytes, damage: str, good: bool
    ) -> bool:
        answer = await self._server.run(
            _QUARANTINE,
            [self._key(id_), self._quarantine_key(id_)],
            version,
            sha1(body, usedforsecurity=False).hexdigest(),
            damage,
            _QUARANTINE_DAYS * 86_400_000,
            int(good),
        )
        if answer[0] == 1:
            self._metrics.states_quarantined_total.inc()
            log.error(
                "state_quarantined", store=self._name, state=id_, reason=damage, recovered=good
            )
        return bool(answer[0])

    def _key(self, id_: str) -> str:
        return self._keys.of(f"state:{self._name}", id_)

    def _quarantine_key(self, id_: str) -> str:
        return self._keys.of(f"quarantine:{self._name}", id_)

    def _lock_key(self, id_: str, hold: Hold) -> str:
        if hold.name != id_:
            raise ConfigurationError(
                f"state {id_!r} is saved under the lock {hold.name!r}: give both the same name"
            )
        return hold.keys.lock


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).hexdigest().encode()
