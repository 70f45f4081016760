"""Forgets instances that are gone without having signed off."""

from collections.abc import Iterable

from rollcall.consumer.transaction import Transaction
from rollcall.outbox.event import Event
from rollcall.periodic import PeriodicJob
from rollcall.settings import ServiceSettings

_FORGET = """
DELETE FROM instance WHERE heartbeat_at < now() - make_interval(secs => $1) RETURNING instance_id
"""
_PAUSE_SECONDS = 60.0


def forget_dead_instances(settings: ServiceSettings) -> PeriodicJob:
    """A job that deletes the rows of instances that have been silent for too long.

    One that was only stopped or cut off writes its row again with its next heartbeat.
    """

    async def forget(tx: Transaction) -> Iterable[Event]:
        silence = settings.instance_forget_seconds
        for row in await tx.connection.fetch(_FORGET, silence):
            tx.log("instance_forgotten", forgotten=row["instance_id"])
        return ()

    return PeriodicJob("forget_dead_instances", _PAUSE_SECONDS, forget)
