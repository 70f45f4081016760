"""Parts that must last as long as the process: the first that ends by itself ends it, and says so."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import structlog

from rollcall.errors import RollcallError, TaskEndedError
from rollcall.exit_codes import ExitCode

log = structlog.get_logger()

_WHAT_NOW = "this process ends so that it is started anew; what had not committed is handled again"


class Supervisor:
    """Owns the tasks of a service.

    A task that returns, fails or is cancelled while nobody asked for an end is *dead*: its name and
    its cause are logged once, at the level critical, and the task group around it ends all others.
    """

    def __init__(self) -> None:
        self.ending = False
        self.exit_code = ExitCode.STOPPED
        self._on_death: list[Callable[[], None]] = []

    def on_death(self, callback: Callable[[], None]) -> None:
        """Have `callback` called at the first death, before anything else ends."""
        self._on_death.append(callback)

    def end(self) -> None:
        """An end was asked for: from now on tasks may end."""
        self.ending = True

    def start(
        self,
        tasks: asyncio.TaskGroup,
        part: Callable[[], Awaitable[None]],
        name: str,
        *,
        may_return: bool = False,
    ) -> asyncio.Task[None]:
        """Run a part in a task group; `may_return`: its work can be done before the process ends."""
        return tasks.create_task(self._run(part, name, may_return), name=name)

    def failed(self, error: BaseException, task: str | None = None) -> None:
        """Log an error for which the process ends, and choose its exit code."""
        self.exit_code = getattr(error, "exit_code", ExitCode.FAILED)
        expected = isinstance(error, RollcallError | OSError)
        log.critical(
            "service_failed",
            task=task,
            error=str(error) or repr(error),
            exit_code=int(self.exit_code),
            now=_WHAT_NOW,
            exc_info=not expected and error,
        )

    def ended_with(self, errors: ExceptionGroup[Exception]) -> None:
        """Log what failed while everything ended, unless a death before has told its own."""
        if self.exit_code is ExitCode.STOPPED:
            for error in _leaves(errors):
                self.failed(error)

    async def _run(self, part: Callable[[], Awaitable[None]], name: str, may_return: bool) -> None:
        try:
            await part()
        except asyncio.CancelledError as error:
            if self.ending:
                raise
            # A task group takes no notice of a child that is cancelled: it would be gone silently.
            self._died(died := TaskEndedError(f"{name} was cancelled by nobody who may"), name)
            raise died from error
        except Exception as error:
            self._died(error, name)
            raise
        if not (may_return or self.ending):
            self._died(ended := TaskEndedError(f"{name} returned, though it must last"), name)
            raise ended

    def _died(self, error: BaseException, task: str) -> None:
        if self.ending:
            return
        self.ending = True
        self.failed(error, task)
        for callback in self._on_death:
            callback()


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
