"""The subscription that wakes waiters: it comes back, whatever ended it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from rollcall.coordination import Coordination
from rollcall.coordination.wakeups import Wakeups
from tests.coordination.loops import each_loop, run_on
from tests.coordination.own_servers import OwnRedis
from tests.coordination.way_to_redis import way_to_redis
from tests.eventually import eventually

TOKEN = "a-token"


async def _is_woken(program: Coordination) -> None:
    """As soon as it is told, long before it would look for itself."""
    wakeups = program._wakeups
    await wakeups.expect(TOKEN, 5.0)
    await eventually(wakeups._subscribed.is_set, poll_seconds=0.01)
    wakeups._waiting[TOKEN].clear()
    await program.server.client.publish(wakeups.channel, TOKEN)
    began = time.monotonic()
    await wakeups.wait(TOKEN, 60.0)
    assert time.monotonic() - began < 30


@each_loop
def test_a_subscription_on_a_connection_that_has_just_broken_is_made_again(
    new_loop: Callable[[], Any], own_redis: OwnRedis
) -> None:
    """Loops say RuntimeError or AttributeError, which nobody would take for a lost connection."""

    async def test() -> None:
        async with way_to_redis(own_redis.port) as way:
            program = Coordination(way.address, None, prefix="wake", answer_seconds=5.0)
            pool: Any = program.server.client.connection_pool
            connection = await pool.get_connection()
            await pool.release(connection)
            way.reset()
            await eventually(lambda: connection._writer.is_closing())
            with structlog.testing.capture_logs() as logs:
                await _is_woken(program)
            assert not [entry for entry in logs if entry["log_level"] == "error"]
            await program.close()

    run_on(new_loop, test())


async def test_what_nobody_thought_of_is_told_and_the_subscription_made_again(
    program: Coordination, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Wakeups._take
    unforeseen = [ZeroDivisionError("nobody thought of this")]

    def fail_once(wakeups: Wakeups, message: dict[str, Any]) -> None:
        if unforeseen:
            raise unforeseen.pop()
        take(wakeups, message)

    monkeypatch.setattr(Wakeups, "_take", fail_once)
    with structlog.testing.capture_logs() as logs:
        await _is_woken(program)
    (told,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert told["event"] == "wakeups_failed"
    assert told["exc_info"]
