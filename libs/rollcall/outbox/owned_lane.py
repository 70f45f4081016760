"""A lane whose lock this instance holds: a publisher, and what becomes of it when it is refused or late."""

from collections.abc import Callable

import structlog

from rollcall.backoff import Backoff
from rollcall.errors import LanePositionError, PublicationOverdueError, SegmentRefusedError
from rollcall.outbox.publisher import LanePublisher

log = structlog.get_logger()

_FIRST_RETRY_SECONDS = 1.0
_RETRY_CAP_SECONDS = 30.0


class OwnedLane:
    """Keeps a lane that must not go on: nothing overtakes the refused segment, other lanes go on.

    A refusal is retried for ever, ever more slowly, because its cause lies outside: the lane goes on
    by itself once an operator has removed it. Until then `problem` says what it is.

    Segments that a slow broker does not take in time are no problem: fewer at a time go out.

    Args:
        lane: the lane's number.
        make_publisher: a new publisher, which publishes one by one up to the sequence number given.
    """

    def __init__(self, lane: int, make_publisher: Callable[[int], LanePublisher]) -> None:
        self._lane = lane
        self._make_publisher = make_publisher
        self._publisher = make_publisher(0)
        self._refusal: str | None = None
        self._refused_seq = 0

    @property
    def problem(self) -> str | None:
        """Why the lane stands still; None once it went past that."""
        position = self._publisher.position
        if self._refusal and position and position.seq >= self._refused_seq:
            log.info("lane_goes_on", lane=self._lane, position=position.seq)
            self._refusal = None
        return self._refusal and f"lane {self._lane} refused: {self._refusal}"

    def wake(self, *, more_follows: bool = False) -> None:
        """Look for segments now, or a little later if more of them are about to come."""
        self._publisher.wake(more_follows=more_follows)

    def look(self) -> None:
        """Look for segments if nothing else is under way."""
        self._publisher.look()

    async def wait_idle(self) -> None:
        """Return once nothing is left to publish, or nothing can be."""
        if self.problem is None:
            await self._publisher.wait_idle()

    async def run(self) -> None:
        """Publish until cancelled.

        Raises:
            LaneLostError, KafkaError, OSError, TimeoutError: take the lane over again.
        """
        backoff = Backoff(_FIRST_RETRY_SECONDS, _RETRY_CAP_SECONDS)
        while True:
            try:
                await self._publisher.run()
            except SegmentRefusedError as error:
                # Of several in one transaction: those before the refused one go out first.
                last = error.seqs[-1]
                if len(error.seqs) == 1:
                    await self._refuse(error, last, backoff)
            except PublicationOverdueError as error:
                # No pause: should a single one be late, too, this ends, and the lane is given up.
                last = error.seqs[-1]
                log.warning("lane_overdue", lane=self._lane, error=str(error))
            except LanePositionError as error:
                last = 0
                await self._refuse(error, last, backoff)
            self._publisher = self._make_publisher(last)

    async def _refuse(self, error: Exception, seq: int, backoff: Backoff) -> None:
        if str(error) != self._refusal:
            log.critical("lane_refused", lane=self._lane, segment=seq or None, error=str(error))
            backoff.reset()
        self._refusal, self._refused_seq = str(error), seq
        await backoff.wait()
