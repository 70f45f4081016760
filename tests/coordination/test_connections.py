"""Connections that break while nobody uses them, and connections that take longer to open than a caller waits."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from rollcall.coordination import Coordination, connections
from rollcall.coordination.circuit import Circuit
from rollcall.errors import CoordinationUnavailableError
from tests.coordination.loops import each_loop, run_on
from tests.coordination.own_servers import OwnRedis
from tests.coordination.way_to_redis import WayToRedis, way_to_redis
from tests.eventually import eventually

ID = bytes(16)
LOCKS = 16


async def _reset(way: WayToRedis, program: Coordination) -> None:
    """Reset what is open, and wait until the program's side has heard of it."""
    idle = program.server._connections._idle
    assert idle
    way.reset()
    await eventually(lambda: all(each._writer.is_closing() for each in idle))


@each_loop
def test_connections_that_were_reset_are_not_used(
    new_loop: Callable[[], Any], own_redis: OwnRedis
) -> None:
    """The first attempt of each command, and of as many as there were connections, gets its answer."""

    async def test() -> None:
        async with way_to_redis(own_redis.port) as way:
            program = Coordination(way.address, None, prefix="reset", answer_seconds=5.0)
            known = program.idempotency_filter("events")
            await asyncio.gather(*(known.look_up([ID]) for _ in range(LOCKS)))
            await _reset(way, program)
            for found in await asyncio.gather(*(known.look_up([ID]) for _ in range(LOCKS))):
                assert found == {}
            await program.close()

    run_on(new_loop, test())


@each_loop
def test_a_connection_that_breaks_in_the_last_moment_is_redis_being_away(
    new_loop: Callable[[], Any], own_redis: OwnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loops say RuntimeError or AttributeError, which nobody would take for a lost connection."""

    async def usable(_: object) -> bool:
        return True

    async def test() -> None:
        async with way_to_redis(own_redis.port) as way:
            program = Coordination(way.address, None, prefix="reset", answer_seconds=5.0)
            known = program.idempotency_filter("events")
            await known.look_up([ID])
            await _reset(way, program)
            with pytest.raises(CoordinationUnavailableError):
                await known.look_up([ID])
            await program.close()

    monkeypatch.setattr(connections, "_is_usable", usable)
    run_on(new_loop, test())


async def test_a_login_that_takes_longer_than_a_budget_serves_the_next(own_redis: OwnRedis) -> None:
    """Else what has a small budget would never come back where logins are slow."""
    async with way_to_redis(own_redis.port, admitted=0) as way:
        program = Coordination(way.address, None, prefix="slow", answer_seconds=30.0)
        known = program.idempotency_filter("events")
        assert await Circuit(0.05).within_budget(known.look_up([ID])) is None
        way.admit(1)
        assert await known.look_up([ID]) == {}
        assert way.came == 1
        await program.close()


async def test_logins_that_nobody_waits_for_do_not_pile_up(own_redis: OwnRedis) -> None:
    async with way_to_redis(own_redis.port, admitted=0) as way:
        program = Coordination(way.address, None, prefix="slow", answer_seconds=30.0)
        known = program.idempotency_filter("events")
        for _ in range(5):
            assert await Circuit(0.05).within_budget(known.look_up([ID])) is None
        assert way.came == 1
        await program.close()


async def test_a_login_without_an_answer_ends(own_redis: OwnRedis) -> None:
    """After as long as an answer may take; then another one is begun."""
    async with way_to_redis(own_redis.port, admitted=0) as way:
        program = Coordination(way.address, None, prefix="slow", answer_seconds=0.2)
        known = program.idempotency_filter("events")
        with pytest.raises(CoordinationUnavailableError):
            await known.look_up([ID])
        await eventually(lambda: not program.server._connections._abandoned)
        with pytest.raises(CoordinationUnavailableError):
            await known.look_up([ID])
        assert way.came == 2
        await program.close()
