"""Tests on either loop: each tells of broken connections in its own words."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

each_loop = pytest.mark.parametrize(
    "new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


def run_on(new_loop: Callable[[], Any], test: Coroutine[Any, Any, None]) -> None:
    """Run a test on a loop of its own."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(test)
