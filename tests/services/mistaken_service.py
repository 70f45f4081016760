"""A service whose definition is wrong in the way that MISTAKE names.

Run as `python -m tests.services.mistaken_service run`.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from essay_lifecycle_service import migrations_folders
from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall import Event, Received, Service, Transaction
from rollcall.command import service_command
from rollcall_events import EssayContentProvisionedV1, EventData
from rollcall_events.topics import TOPICS

MODULE = "tests.services.mistaken_service"


class StrayV1(EventData):
    """An event that no topic carries."""

    event_type: ClassVar[str] = "StrayV1"


async def publish_stray(received: Sequence[Received[Any]], _tx: Transaction) -> list[Event]:
    """Publish what has no topic."""
    envelope = received[0].envelope
    return [Event(StrayV1(), envelope.event_id, envelope.correlation_id, key="key")]


def plain(_received: Sequence[Received[Any]], _tx: Transaction) -> list[Event]:
    """A handler that cannot be awaited."""
    return []


async def narrow(_received: Sequence[Received[Any]]) -> list[Event]:
    """A handler that does not take the transaction."""
    return []


async def serve() -> int:
    """Run one replica."""
    service = Service(EssayLifecycleSettings(), TOPICS, migrations_folders()[1:])
    handlers: dict[str, Any] = {
        "stray_event": publish_stray,
        "plain_handler": plain,
        "narrow_handler": narrow,
    }
    if handler := handlers.get(os.environ["MISTAKE"]):
        service.on(EssayContentProvisionedV1)(handler)
    return await service.serve()


if __name__ == "__main__":
    folders = migrations_folders()
    sys.exit(service_command("mistaken", EssayLifecycleSettings, TOPICS, folders, serve))
