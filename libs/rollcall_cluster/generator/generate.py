"""Runs a plan: essays into the content store, records into Kafka, in time."""

import asyncio
import time
from collections.abc import Callable

from rollcall_cluster.generator.content_store import ContentStore
from rollcall_cluster.generator.expectation import expect
from rollcall_cluster.generator.plan import Plan
from rollcall_cluster.generator.record import Kind, Record
from rollcall_cluster.generator.sending import RecordSender
from rollcall_cluster.generator.stream import Block, OpenBatch, RecordStream
from rollcall_cluster.generator.summary import Summary

_BLOCK_RECORDS = 500
_TICK_SECONDS = 0.02

OnProgress = Callable[[int], None]
"""Is told how many records have been handed to Kafka so far."""


async def generate(
    plan: Plan,
    bootstrap_servers: str,
    *,
    topic_prefix: str = "",
    content_store: ContentStore | None = None,
    on_progress: OnProgress | None = None,
    stop: asyncio.Event | None = None,
) -> Summary:
    """Send all records of a plan and wait until Kafka has them; `stop` ends it early, cleanly.

    Raises:
        CannotProduceError: Kafka cannot be reached, lacks a topic or refuses; or the store does.
    """
    run = _Run(plan, content_store, on_progress or (lambda _: None), stop or asyncio.Event())
    began = time.perf_counter()
    sender = RecordSender(bootstrap_servers, topic_prefix)
    async with sender:
        interrupted = not await run.send_all(sender)
    return Summary(
        seed=plan.seed,
        sent={kind: sender.sent[kind] for kind in Kind},
        bytes_sent=sender.bytes_sent,
        seconds=time.perf_counter() - began,
        interrupted=interrupted,
        essays_written=run.essays_written,
        content_store=content_store.url if content_store else None,
        expected=None if interrupted else expect(plan),
    )


class _Run:
    """One pass through a plan."""

    def __init__(
        self, plan: Plan, store: ContentStore | None, on_progress: OnProgress, stop: asyncio.Event
    ) -> None:
        self.essays_written = 0
        self._plan = plan
        self._store = store
        self._on_progress = on_progress
        self._stop = stop
        self._handed_over = 0

    async def send_all(self, sender: RecordSender) -> bool:
        """Send block after block; says whether the plan came to its end."""
        pace = _Pace(self._stop)
        for block in RecordStream(self._plan).blocks(self._block_records()):
            await self._write_essays(block.opened)
            for due in _due_together(block):
                await pace.wait_until(due[0].at, sender)
                if self._stop.is_set():
                    return False
                await sender.send(due)
                self._handed_over += len(due)
                self._on_progress(self._handed_over)
        return True

    def _block_records(self) -> int:
        """Blocks of a second at most, so that slow plans open their batches when they are due."""
        rate = self._plan.rate
        return _BLOCK_RECORDS if rate is None else max(1, min(_BLOCK_RECORDS, int(rate)))

    async def _write_essays(self, opened: list[OpenBatch]) -> None:
        """Store the texts before the events that announce them are sent."""
        if self._store is None:
            return
        for batch in opened:
            if self._stop.is_set():
                return
            self.essays_written += await asyncio.to_thread(self._store.write, batch)


class _Pace:
    """Keeps records from being sent before they are due."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._began = time.perf_counter()

    async def wait_until(self, at: float, sender: RecordSender) -> None:
        """Wait until that second of the plan, or the stop; nothing lies unsent meanwhile."""
        remaining = at - (time.perf_counter() - self._began)
        if remaining <= 0:
            return
        await sender.submit()
        try:
            async with asyncio.timeout(remaining):
                await self._stop.wait()
        except TimeoutError:
            return


def _due_together(block: Block) -> list[list[Record]]:
    """Part a block where time passes: records within one tick are sent in one go."""
    if block.records[-1].at < block.records[0].at + _TICK_SECONDS:
        return [block.records]
    parts: list[list[Record]] = []
    for record in block.records:
        if parts and record.at < parts[-1][0].at + _TICK_SECONDS:
            parts[-1].append(record)
        else:
            parts.append([record])
    return parts
