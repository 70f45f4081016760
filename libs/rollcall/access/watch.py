"""While something is wrong: asks whether a server has stopped letting us in, which only an operator mends."""

from collections.abc import Callable, Sequence

import structlog

from rollcall import ticks
from rollcall.access.database import database_refusal
from rollcall.access.kafka_refusal import refuse_if_denied
from rollcall.database.failures import DATABASE_ERRORS
from rollcall.database.pool import close_session, connect_session
from rollcall.errors import ConfigurationError
from rollcall.settings import ServiceSettings

log = structlog.get_logger()

_PAUSE_SECONDS = 3.0
_IDLE_SESSION_SECONDS = 5


class AccessWatch:
    """Comes to Kafka and PostgreSQL anew while this replica has problems.

    Connections that were let in stay, so a password that is changed or a user that is removed shows
    wherever the next one is made, and looks there like a server that is down.

    Args:
        problems: those of the replica, these included.
    """

    def __init__(self, settings: ServiceSettings, problems: Callable[[], Sequence[str]]) -> None:
        self._settings = settings
        self._all_problems = problems
        self._refusals: list[str] = []

    def problems(self) -> list[str]:
        """Who does not let us in any more, and what to check."""
        return self._refusals

    async def run(self) -> None:
        """Ask every few seconds, for ever."""
        while True:
            await ticks.sleep(_PAUSE_SECONDS)
            refusals = await self._ask() if self._all_problems() else []
            for refusal in refusals:
                if refusal not in self._refusals:
                    log.error("access_denied", because=refusal)
            self._refusals = refusals

    async def _ask(self) -> list[str]:
        found = []
        try:
            await refuse_if_denied(self._settings)
        except ConfigurationError as error:
            found.append(str(error))
        try:
            session = await connect_session(self._settings, _IDLE_SESSION_SECONDS)
        except DATABASE_ERRORS as error:
            if refusal := database_refusal(error):
                found.append(f"PostgreSQL {refusal}")
        else:
            await close_session(session)
        return found
