"""What a record says of a fault that was not done, or after which replicas do not come back."""

from typing import Any

import pytest

from rollcall_cluster.chaos import inflicting
from rollcall_cluster.chaos.faults import Fault, NotInflictedError
from rollcall_cluster.chaos.inflicting import Inflicter
from rollcall_cluster.chaos.recovery import Point
from rollcall_cluster.chaos.results import FaultRecord
from rollcall_cluster.chaos.sampler import Sample

RATE = 100.0
_STEP = 0.5


class Deployment:
    """Handles everything at once; its replica is ready or is not. Stands for arena and sampler."""

    session_seconds = 4

    def __init__(self) -> None:
        self.ready = True
        self.now = 0.0
        self.samples: list[Sample] = []
        for _ in range(20):
            self.check()

    @property
    def points(self) -> list[Point]:
        """Of every sample."""
        return [sample.point for sample in self.samples]

    @property
    def unready(self) -> list[str]:
        """By the last sample."""
        return [] if self.ready else ["els-1: ended by itself"]

    def check(self) -> None:
        """Each look takes a while."""
        self.now += _STEP
        handled = round(self.now * RATE)
        self.samples.append(Sample(Point(self.now, handled, handled), int(self.ready), wanted=1))


class Lingering(Fault):
    """Restarts a replica when its time is over."""

    name = "lingering"
    lingering_seconds = 30.0

    def __init__(self, *, comes_back: bool) -> None:
        self._comes_back = comes_back

    async def inflict(self, arena: Any) -> None:
        self.detail = "els-1"

    async def heal(self, arena: Any) -> None:
        arena.ready = self._comes_back


class Missed(Fault):
    """Finds nothing to break."""

    name = "missed"

    async def inflict(self, arena: Any) -> None:
        self.detail = "els-1 at nowhere"
        raise NotInflictedError("nowhere was not reached")


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """One whose clock goes on with each look, without a pause."""
    monkeypatch.setattr(inflicting, "_POLL_SECONDS", 0.0)
    return Deployment()


def _inflicter(deployment: Deployment) -> Inflicter:
    return Inflicter(deployment, deployment, RATE)  # type: ignore[arg-type]


async def test_a_replica_that_does_not_come_back_after_a_lingering_fault_is_told(deployment):
    """Healing is part of it: what is judged while it lingers does not stand for the end."""
    inflicter, record = _inflicter(deployment), FaultRecord(1, 1, "lingering")
    await inflicter.inflict(Lingering(comes_back=False), record)
    assert record.ok

    await inflicter.end_lingering()
    assert not record.ok
    assert (record.settled, record.unready) == (None, ["els-1: ended by itself"])


async def test_a_lingering_fault_after_which_all_come_back_stays_ok(deployment):
    """What was judged while it lingered stands."""
    inflicter, record = _inflicter(deployment), FaultRecord(1, 1, "lingering")
    await inflicter.inflict(Lingering(comes_back=True), record)
    await inflicter.end_lingering()
    assert record.ok


async def test_a_fault_that_was_not_done_is_a_problem_and_recovered_from_nothing(deployment):
    """Its limit is not kept by having done nothing."""
    record = FaultRecord(1, 1, "missed")
    await _inflicter(deployment).inflict(Missed(), record)
    assert record.problem == "nowhere was not reached"
    assert record.detail == "els-1 at nowhere"
    assert record.rate_seconds is None
    assert not record.ok
