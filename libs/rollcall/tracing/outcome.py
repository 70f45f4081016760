"""Tells spans how the transaction ended that they are about."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import structlog

log = structlog.get_logger()


class Spans(Protocol):
    """Spans that wait for the outcome of a transaction."""

    def committed(self) -> None:
        """It committed."""

    def failed(self, error: BaseException) -> None:
        """It did not, or nobody knows."""


@contextmanager
def outcome_of(spans: Spans | None) -> Iterator[None]:
    """Wrap a transaction. Without spans, nothing happens; spans that fail are lost, nothing else."""
    if spans is None:
        yield
        return
    try:
        yield
    except BaseException as error:
        _tell(partial(spans.failed, error))
        raise
    _tell(spans.committed)


def _tell(tell: Callable[[], None]) -> None:
    """What has committed stays so, and what failed fails for its own reason, whatever spans do."""
    try:
        tell()
    except Exception:
        log.exception("spans_lost")
