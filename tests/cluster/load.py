"""A generator at work beside what a test does to replicas."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from rollcall_cluster.generator import Plan, generate
from tests.eventually import eventually

Reached = Callable[[int], Awaitable[object]]


@asynccontextmanager
async def under_load(environment: Mapping[str, str], plan: Plan) -> AsyncIterator[Reached]:
    """Send a plan to the deployment of replicas with these variables; returns once all is sent.

    Gives a way to wait until so many records were sent.
    """
    sent = 0

    def on_progress(records: int) -> None:
        nonlocal sent
        sent = records

    def reached(records: int) -> Awaitable[object]:
        return eventually(lambda: sent >= records, message=f"{records} records sent")

    load = asyncio.create_task(
        generate(
            plan,
            environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"],
            topic_prefix=environment["ROLLCALL_TOPIC_PREFIX"],
            on_progress=on_progress,
        )
    )
    try:
        yield reached
        await load
    finally:
        load.cancel()
