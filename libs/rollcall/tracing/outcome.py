"""Tells spans how the transaction ended that they are about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Spans(Protocol):
    """Spans that wait for the outcome of a transaction."""

    def committed(self) -> None:
        """It committed."""

    def failed(self, error: BaseException) -> None:
        """It did not, or nobody knows."""


@contextmanager
def outcome_of(spans: Spans | None) -> Iterator[None]:
    """Wrap a transaction. Without spans, nothing happens."""
    if spans is None:
        yield
        return
    try:
        yield
    except BaseException as error:
        spans.failed(error)
        raise
    spans.committed()
