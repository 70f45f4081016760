"""Ctrl-C reaches its aim."""

import asyncio
import os
import signal
from contextlib import suppress

import pytest

from rollcall import cancellation
from rollcall_cluster.local.interruption import run_until_interrupted


def test_work_that_is_left_alone_returns_what_it_has_found():
    assert run_until_interrupted(asyncio.sleep(0, "found")) == "found"


def test_work_that_fails_fails():
    async def fail() -> None:
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        run_until_interrupted(fail())


def test_a_cancellation_that_a_library_swallows_is_repeated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cancellation.end, "__defaults__", (0.01,))
    steps: list[str] = []

    async def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        for step in ("first", "second"):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            steps.append(step)
        await asyncio.sleep(60)
        steps.append("never")

    with pytest.raises(KeyboardInterrupt):
        run_until_interrupted(work())
    assert steps == ["first", "second"]
