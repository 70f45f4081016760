"""Inflicts one fault after the other on a deployment under load, and watches it recover."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from rollcall_cluster.chaos.arena import Arena
from rollcall_cluster.chaos.faults import RECOVERY_SECONDS, Fault, NotInflictedError
from rollcall_cluster.chaos.recovery import is_calm, rate_between, recovery
from rollcall_cluster.chaos.results import FaultRecord
from rollcall_cluster.chaos.sampler import Sampler

_BEFORE_SECONDS = 8.0
_CALM_SECONDS = 2.0
_ACTION_SECONDS = 120.0
_GIVE_UP_SECONDS = RECOVERY_SECONDS + 30.0
_POLL_SECONDS = 0.1


@dataclass(slots=True)
class _Lingering:
    fault: Fault
    until: float
    record: FaultRecord


class Inflicter:
    """Works on one deployment."""

    def __init__(self, arena: Arena, sampler: Sampler, rate: float) -> None:
        self._arena = arena
        self._sampler = sampler
        self._offered = rate
        self._lingering: list[_Lingering] = []

    async def settle(self, rate: float, least_seconds: float = 0.0) -> bool:
        """Wait until every replica is ready and nothing of a fault shows; False after 90 s."""
        began = self._sampler.now
        least_seconds = max(least_seconds, _CALM_SECONDS)
        while (waited := self._sampler.now - began) < _GIVE_UP_SECONDS:
            self._sampler.check()
            if waited >= least_seconds and self._is_settled(rate):
                return True
            await asyncio.sleep(_POLL_SECONDS)
        return False

    async def inflict(self, fault: Fault, record: FaultRecord) -> None:
        """Inflict, hold, heal and watch; fills the record. What goes wrong here is told there."""
        await self.end_lingering(self._sampler.now)
        record.began = self._sampler.now
        record.rate_before = self._rate_before(record.began)
        record.limit_seconds = fault.limit_seconds(self._arena)
        try:
            async with asyncio.timeout(_ACTION_SECONDS):
                await fault.inflict(self._arena)
            await self._watch(fault, record)
        except asyncio.CancelledError:
            await self._heal(fault, record)
            raise
        except NotInflictedError as error:
            record.problem = str(error)
            await self._heal(fault, record)
            await self._settle_again(record.rate_before, [record])
        except Exception as error:
            record.problem = f"{type(error).__name__}: {error}"[:300]
            await self._heal(fault, record)
        finally:
            record.detail = fault.detail

    async def end_lingering(self, until: float = float("inf")) -> None:
        """Heal the faults whose time is over."""
        over = [each for each in self._lingering if each.until <= until]
        for each in over:
            self._lingering.remove(each)
            await self._heal(each.fault, each.record)
        if over:
            await self._settle_again(self._offered, [each.record for each in over])

    async def _watch(self, fault: Fault, record: FaultRecord) -> None:
        if fault.unaided or fault.lingering_seconds:
            record.ended = self._sampler.now
            await self._measure(fault, record, since=record.began)
            if fault.lingering_seconds:
                until = record.began + fault.lingering_seconds
                self._lingering.append(_Lingering(fault, until, record))
                return
            await self._heal(fault, record)
            await self._settle_again(record.rate_before, [record])
            return
        await asyncio.sleep(fault.hold_seconds)
        await self._heal(fault, record)
        record.ended = self._sampler.now
        await self._measure(fault, record, since=record.ended)

    async def _measure(self, fault: Fault, record: FaultRecord, since: float) -> None:
        settled = await self.settle(record.rate_before, fault.settle_seconds)
        found = recovery(self._sampler.points, since, record.rate_before)
        record.rate_seconds, record.backlog_seconds = found.rate_seconds, found.backlog_seconds
        from_begin = recovery(self._sampler.points, record.began, record.rate_before)
        record.disturbed_seconds = from_begin.rate_seconds
        record.settled = self._sampler.now if settled else None
        record.unready = [] if settled else self._sampler.unready

    async def _settle_again(self, rate: float, records: Sequence[FaultRecord]) -> None:
        """Wait until the healed replicas are back as well."""
        if not await self.settle(rate):
            for record in records:
                record.settled = None
                record.unready = self._sampler.unready

    async def _heal(self, fault: Fault, record: FaultRecord) -> None:
        try:
            async with asyncio.timeout(_ACTION_SECONDS):
                await fault.heal(self._arena)
        except Exception as error:
            told = f"not undone: {type(error).__name__}: {error}"[:300]
            record.problem = f"{record.problem}; {told}" if record.problem else told

    def _rate_before(self, now: float) -> float:
        """What was handled just before; what is offered, if that says little or catching up was on."""
        seen = rate_between(self._sampler.points, now - _BEFORE_SECONDS, now)
        return seen if self._offered / 2 < seen < self._offered else self._offered

    def _is_settled(self, rate: float) -> bool:
        samples = self._sampler.samples
        recent = [each for each in samples if each.point.at >= self._sampler.now - _CALM_SECONDS]
        return (
            bool(recent)
            and all(sample.complete for sample in recent)
            and is_calm(self._sampler.points, rate, _CALM_SECONDS)
        )
