"""One instance's side of operators' orders: pauses and moved positions, as PostgreSQL says."""

from typing import Any

import structlog

from rollcall import failpoints, ticks
from rollcall.consumer.ownership import Ownership
from rollcall.consumer.pauses import PauseStore
from rollcall.consumer.share_limit import ShareLimit
from rollcall.database.failures import DATABASE_ERRORS
from rollcall.database.pool import Database
from rollcall.errors import DeadLetterLimitError
from rollcall.failpoints import Failpoint
from rollcall.settings import ServiceSettings
from rollcall.telemetry.metrics import Metrics

log = structlog.get_logger()

_LOOK_SECONDS = 1.0


class Pausing:
    """Keeps `Ownership.paused` equal to the table of pauses, and reads positions that were moved by hand."""

    def __init__(
        self,
        settings: ServiceSettings,
        database: Database,
        ownership: Ownership,
        limit: ShareLimit,
        metrics: Metrics,
    ) -> None:
        self._instance_id = settings.instance_id
        self._database = database
        self._ownership = ownership
        self._limit = limit
        self._metrics = metrics
        self._store = PauseStore(settings.consumer_group)
        self._moves: int | None = None

    async def pause(self, error: DeadLetterLimitError) -> None:
        """Stop a topic everywhere; if that fails, the chunk is read again and refused again."""
        log.critical("topic_paused", topic=error.topic, reason=str(error))
        failpoints.reached(Failpoint.PAUSE_DECIDED)
        try:
            async with self._database.acquire() as connection:
                await self._store.pause(connection, error.topic, str(error), self._instance_id)
                await self.follow(connection)
        except DATABASE_ERRORS as failure:
            log.warning("pause_not_kept", topic=error.topic, error=repr(failure)[:500])
        self._ownership.invalidate()

    async def follow(self, connection: Any) -> None:
        """Hold what is paused, let the rest go; a topic that changes is judged anew.

        Once an operator has moved a position, all are read again: an idle replica would not notice.
        """
        paused, moves = await self._store.followed(connection)
        if self._moves not in (None, moves):
            log.info("positions_moved_by_hand", moves=moves)
            self._ownership.invalidate()
        self._moves = moves
        changed = paused.keys() ^ self._ownership.paused.keys()
        if changed:
            failpoints.reached(Failpoint.PAUSES_NOTICED)
        for topic in changed:
            self._limit.forget(topic)
            log.info("topic_held" if topic in paused else "topic_resumed", topic=topic)
        self._ownership.hold(paused)
        self._metrics.topics_paused.set(len(paused))

    async def follow_for_ever(self) -> None:
        """Look once a second; what was seen last holds while PostgreSQL is away."""
        while True:
            try:
                async with self._database.acquire() as connection:
                    await self.follow(connection)
            except DATABASE_ERRORS as error:
                log.warning("pauses_not_read", error=repr(error)[:500])
            await ticks.sleep(_LOOK_SECONDS)
