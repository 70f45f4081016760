"""What the Kafka client does not tell of itself: tasks of its own that ended, answers that stopped.

The client's public interface knows neither. The names used here are those of aiokafka 0.14; a test
fails if a later release has others.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

from aiokafka.errors import InvalidSessionTimeoutError

from rollcall.errors import FetcherDeadError, SessionTimeoutRefusedError


class ClientWatch:
    """Watches the client of one member of a group.

    Args:
        session_timeout_seconds: silence of the group's coordinator after which it gives partitions
            away.
        silence_limit_seconds: how long the client may fetch nothing while records wait; 0 = for ever.
    """

    def __init__(
        self,
        session_timeout_seconds: float,
        silence_limit_seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._session_timeout_seconds = session_timeout_seconds
        self._silence_limit_seconds = silence_limit_seconds
        self._clock = clock
        self._heard_at: float | None = None
        self._starving_since: float | None = None

    def attach(self, kafka: Any) -> None:
        """Hear of each answered heartbeat of a client that was started and is not subscribed yet."""
        coordinator = kafka._coordinator
        ask = coordinator._do_heartbeat

        async def ask_and_tell() -> bool:
            if answered := bool(await ask()):
                self.heard()
            return answered

        coordinator._do_heartbeat = ask_and_tell
        self.heard()

    def heard(self) -> None:
        """The group's coordinator answered."""
        self._heard_at = self._clock()

    def fetched(self) -> None:
        """The client delivered something."""
        self._starving_since = None

    def check(self, kafka: Any, *, starving: bool) -> None:
        """Ask once a second; `starving`: records wait, Kafka says so, and there is none in hand.

        Raises:
            FetcherDeadError: this client will not fetch any more; only a new one can.
            SessionTimeoutRefusedError: the group cannot be joined with these settings.
        """
        if isinstance(join_error(kafka), InvalidSessionTimeoutError):
            raise SessionTimeoutRefusedError(
                f"ROLLCALL_SESSION_TIMEOUT_SECONDS={self._session_timeout_seconds:g} is outside the"
                " brokers' group.min.session.timeout.ms and group.max.session.timeout.ms: no member"
                " can join the group with it; set it between the two, or change them"
            )
        coordinator = kafka._coordinator
        if _failed(coordinator._heartbeat_task) or _failed(coordinator._commit_refresh_task):
            coordinator.request_rejoin()  # the client replaces them then, and at no other time
        for name, task in background_tasks(kafka).items():
            if task.done():
                raise FetcherDeadError(f"the Kafka client's {name} task ended: {_cause(task)}")
        if not starving:
            self._starving_since = None
        elif self._starving_since is None:
            self._starving_since = self._clock()
        elif 0 < self._silence_limit_seconds < (silence := self._clock() - self._starving_since):
            raise FetcherDeadError(
                f"records wait and Kafka answers, but nothing was fetched for {silence:.0f} s"
                " (ROLLCALL_FETCH_SILENCE_EXIT_SECONDS)"
            )

    def problems(self) -> list[str]:
        """A coordinator that is silent for longer than the session lasts."""
        if self._heard_at is None:
            return []
        if (silence := self._clock() - self._heard_at) <= self._session_timeout_seconds:
            return []
        return [f"group heartbeat missing: Kafka has not answered one for {silence:.0f} s"]


def poll_nothing(kafka: Any) -> None:
    """Tell the client that somebody is there, and hear what it has to tell, without a record.

    A client that nobody polls for `max.poll.interval` leaves its group until it is polled again: if that
    were done only for partitions to fetch, it would get none. An error of the group holds it up until it
    is heard.

    Raises:
        aiokafka.errors.KafkaError: what the group's coordinator refused; the client tries again.
    """
    if not isinstance(join_error(kafka), InvalidSessionTimeoutError):  # `check` ends the process
        kafka._coordinator.check_errors()
    with kafka._subscription.fetch_context():
        pass


def background_tasks(kafka: Any) -> dict[str, asyncio.Task[None]]:
    """The tasks of a started client without which it is idle for ever."""
    return {
        "fetch": kafka._fetcher._fetch_task,
        "group coordination": kafka._coordinator._coordination_task,
        "metadata": kafka._client._sync_task,
    }


def join_error(kafka: Any) -> Exception | None:
    """Why the group was not joined; kept by the client until somebody polls it, and nobody can."""
    error: Exception | None = kafka._coordinator._pending_exception
    return error


def _failed(task: asyncio.Task[None] | None) -> bool:
    return task is not None and task.done() and not task.cancelled() and bool(task.exception())


def _cause(task: asyncio.Task[None]) -> str:
    if task.cancelled():
        return "it was cancelled"
    error = task.exception()
    return repr(error.__cause__ or error) if error else "it returned"
