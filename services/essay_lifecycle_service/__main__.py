"""Command line of the essay lifecycle service."""

import sys

from dishka.integrations.fastapi import setup_dishka

from essay_lifecycle_service import migrations_folders
from essay_lifecycle_service.settings import EssayLifecycleSettings
from essay_lifecycle_service.wiring import create_container
from rollcall import Service
from rollcall.command import service_command
from rollcall_events.topics import TOPICS


async def serve() -> int:
    """Run one replica until it is told to stop; returns the exit code."""
    container = create_container()
    try:
        service = await container.get(Service)
        service.configure_app(lambda app: setup_dishka(container, app))
        return await service.serve()
    finally:
        await container.close()


def main() -> None:
    """Entry point of `essay-lifecycle-service`."""
    sys.exit(
        service_command(
            "essay-lifecycle-service",
            EssayLifecycleSettings,
            TOPICS,
            migrations_folders(),
            serve,
        )
    )


if __name__ == "__main__":
    main()
