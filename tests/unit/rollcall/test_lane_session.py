"""Whatever a lost session looks like to the client, the lanes are lost and nothing else is."""

import asyncpg
import pytest

from rollcall.errors import LaneLostError
from rollcall.outbox.lane_session import LaneSession
from rollcall.settings import ServiceSettings


class _Ended:
    """A connection that the server has ended."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.terminated = False

    async def fetchval(self, *_: object) -> object:
        raise self._error

    def terminate(self) -> None:
        self.terminated = True


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.AdminShutdownError(),
        asyncpg.InterfaceError("connection is closed"),
        # What asyncpg says when the session ends between two statements.
        asyncpg.InternalClientError("cannot switch to state 11; another operation is in progress"),
        ConnectionResetError(),
        TimeoutError(),
    ],
)
async def test_a_session_that_ended_is_a_lost_lane_and_no_defect(error: Exception) -> None:
    connection = _Ended(error)
    session = LaneSession(ServiceSettings(), connection)
    with pytest.raises(LaneLostError):
        await session.try_lock(1)
    assert connection.terminated
