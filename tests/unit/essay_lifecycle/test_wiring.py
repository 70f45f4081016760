"""The service as it is put together: every part can be made, and every input has its handler."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from dishka import AsyncContainer

from essay_lifecycle_service import migrations_folders
from essay_lifecycle_service.handlers import EssayLifecycle
from essay_lifecycle_service.reader import BatchReader
from essay_lifecycle_service.settings import EssayLifecycleSettings
from essay_lifecycle_service.wiring import create_container
from rollcall import Database, Service
from rollcall.errors import ConfigurationError
from rollcall_events.topics import TOPICS


@pytest_asyncio.fixture
async def container(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncContainer]:
    monkeypatch.setenv("ROLLCALL_TOPIC_PREFIX", "blue.")
    container = create_container()
    yield container
    await container.close()


async def test_the_service_is_made_with_its_settings(container: AsyncContainer) -> None:
    service = await container.get(Service)
    assert service.settings.topic("in") == "blue.in"
    assert service.settings.service_name == "essay-lifecycle-service"
    assert service.settings.database_schema == "els"


async def test_every_input_event_of_the_registry_has_a_handler(container: AsyncContainer) -> None:
    service = await container.get(Service)
    inputs = [model for topic in TOPICS if topic.direction == "in" for model in topic.models]
    for model in inputs:
        with pytest.raises(ConfigurationError, match="has a handler already"):
            service.on(model)


async def test_the_service_serves_its_routes_beside_the_runtimes(container: AsyncContainer) -> None:
    app = (await container.get(Service)).create_app()
    assert set(app.openapi()["paths"]) == {
        "/healthz/live",
        "/healthz/ready",
        "/metrics",
        "/v1/instance",
        "/v1/dead-letters",
        "/v1/dead-letters/{id}",
        "/v1/dead-letters/redrive",
        "/v1/dead-letters/discard",
        "/v1/topics",
        "/v1/topics/{topic}/pause",
        "/v1/topics/{topic}/resume",
        "/v1/batches/{batch_id}",
        "/v1/batches/{batch_id}/essays",
        "/v1/essays/{batch_id}/{essay_id}",
        "/v1/audit",
        "/v1/positions",
        "/v1/positions/replay",
        "/v1/positions/reset",
        "/v1/pending",
        "/v1/pending/{batch_id}",
        "/v1/batches/{batch_id}/reconcile",
        "/v1/batches/{batch_id}/complete",
        "/v1/batches/{batch_id}/close",
        "/v1/batches/{batch_id}/reassign",
        "/v1/batches/{batch_id}/replay",
    }


async def test_the_service_brings_the_runtimes_migrations_and_its_own(
    container: AsyncContainer,
) -> None:
    service = await container.get(Service)
    assert service.migrations == migrations_folders()


async def test_reads_use_the_database_of_the_service(container: AsyncContainer) -> None:
    service = await container.get(Service)
    assert await container.get(Database) is service.database
    assert await container.get(BatchReader)


async def test_every_part_exists_once(container: AsyncContainer) -> None:
    for part in (Service, EssayLifecycle, BatchReader, EssayLifecycleSettings):
        assert await container.get(part) is await container.get(part)
