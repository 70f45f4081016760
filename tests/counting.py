"""Counts function calls: what an interpreter has to do, without a clock."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Calls:
    """Calls of Python and C functions in this thread while it was counting."""

    def __init__(self) -> None:
        self.count = 0

    def _seen(self, _frame: FrameType, event: str, _argument: Any) -> None:
        self.count += event in ("call", "c_call")


@contextmanager
def counted_calls() -> Iterator[Calls]:
    """Count until the block ends."""
    calls = Calls()
    before = sys.getprofile()
    sys.setprofile(calls._seen)
    try:
        yield calls
    finally:
        sys.setprofile(before)
