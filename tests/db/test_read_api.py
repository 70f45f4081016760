"""The read API on real rows: the service's own application, called in process."""

import uuid
from collections.abc import AsyncIterator
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from dishka.integrations.fastapi import setup_dishka
from fastapi import APIRouter

from essay_lifecycle_service.wiring import create_container
from rollcall import Service
from tests.db.events import content, contents, essay_id, failure, registration
from tests.db.replica import Replica

UNKNOWN = uuid.UUID("5b0f6a0e-3c1d-4f7e-9a51-2d6c8f0b7e11")
PROBLEM = "application/problem+json"


broken = APIRouter()


@broken.get("/broken")
async def fail() -> None:
    """A route with a bug."""
    raise ZeroDivisionError


def kind(answer: httpx.Response) -> tuple[int, str]:
    """Status and media type."""
    return answer.status_code, answer.headers["content-type"]


@pytest_asyncio.fixture
async def service(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """The service as it is wired, on the test's database, without Kafka."""
    monkeypatch.setenv("ROLLCALL_POSTGRES_DSN", database)
    container = create_container()
    service = await container.get(Service)
    service.configure_app(lambda app: setup_dishka(container, app))
    service.add_routes(broken)
    await service.database.open()
    yield service
    await service.database.close()
    await container.close()


@pytest_asyncio.fixture
async def api(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application."""
    transport = httpx.ASGITransport(service.create_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://els") as client:
        yield client


async def test_a_batch_tells_where_each_of_its_claims_is(
    replica: Replica, api: httpx.AsyncClient, batch_id: UUID
) -> None:
    await replica.handle(
        registration(batch_id, 4), *contents(batch_id, 2), failure(batch_id, "file")
    )
    batch = (await api.get(f"/v1/batches/{batch_id}")).json()
    timeline = batch.pop("timeline")
    assert batch == {
        "batch_id": str(batch_id),
        "state": "open",
        "deadline_policy": None,
        "course_code": "HIS-101",
        "expected_count": 4,
        "filled_count": 2,
        "failed_count": 1,
        "missing_count": 0,
        "open_count": 1,
        "pending_count": 0,
        "excess_count": 0,
    }
    assert timeline["registered_at"] <= timeline["first_taken_at"] <= timeline["last_taken_at"]
    assert timeline["completed_at"] is None


async def test_a_complete_batch_tells_when_it_was_complete_and_what_was_too_much(
    replica: Replica, api: httpx.AsyncClient, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2), *contents(batch_id, 5))
    batch = (await api.get(f"/v1/batches/{batch_id}")).json()
    assert (batch["state"], batch["open_count"], batch["excess_count"]) == ("completed", 0, 3)
    assert batch["timeline"]["completed_at"] >= batch["timeline"]["registered_at"]


async def test_a_batch_without_content_has_an_empty_timeline(
    replica: Replica, api: httpx.AsyncClient, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1))
    timeline = (await api.get(f"/v1/batches/{batch_id}")).json()["timeline"]
    assert timeline["registered_at"]
    assert (timeline["first_taken_at"], timeline["last_taken_at"]) == (None, None)


async def test_essays_of_a_batch_come_in_order_of_their_slots(
    replica: Replica, api: httpx.AsyncClient, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 3), content(batch_id, "a"), failure(batch_id, "f"))
    page = (await api.get(f"/v1/batches/{batch_id}/essays")).json()
    told = [
        (essay["position"], essay["essay_id"], essay["state"], essay["file_upload_id"])
        for essay in page["essays"]
    ]
    assert told == [
        (0, essay_id(0), "filled", "file-of-a"),
        (1, essay_id(1), "failed", "f"),
        (2, essay_id(2), "open", None),
    ]
    assert page["next_after"] is None


@pytest.mark.parametrize(("slots", "limit"), [(10, 3), (9, 3), (2, 3)])
async def test_pages_hold_every_essay_once_and_the_last_one_says_so(
    replica: Replica, api: httpx.AsyncClient, batch_id: UUID, slots: int, limit: int
) -> None:
    await replica.handle(registration(batch_id, slots))
    pages = []
    after: int | None = -1
    while after is not None:
        url = f"/v1/batches/{batch_id}/essays?after={after}&limit={limit}"
        pages.append((await api.get(url)).json())
        after = pages[-1]["next_after"]
    positions = [essay["position"] for page in pages for essay in page["essays"]]
    assert positions == list(range(slots))
    assert all(page["essays"] for page in pages)


async def test_a_page_behind_the_last_essay_is_empty(
    replica: Replica, api: httpx.AsyncClient, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2))
    answer = await api.get(f"/v1/batches/{batch_id}/essays?after=1")
    assert (answer.status_code, answer.json()) == (200, {"essays": [], "next_after": None})


async def test_an_essay_tells_what_took_its_slot(
    replica: Replica, api: httpx.AsyncClient, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2), content(batch_id, "text"))
    essay = (await api.get(f"/v1/essays/{batch_id}/{essay_id(0)}")).json()
    assert essay.pop("taken_at")
    assert essay == {
        "batch_id": str(batch_id),
        "essay_id": essay_id(0),
        "position": 0,
        "state": "filled",
        "text_storage_id": "text",
        "file_upload_id": "file-of-text",
        "validation_error_code": None,
    }


async def test_an_essay_is_found_whatever_characters_its_id_is_made_of(
    replica: Replica, api: httpx.AsyncClient, batch_id: UUID
) -> None:
    """Ids are other services' and opaque to us."""
    names = ["a/b", "a b", "ä ö", "50%", "a?b#c", "x" * 255, "a//b/", "/"]
    await replica.handle(registration(batch_id, len(names), essay_ids=names))
    answers = [await api.get(f"/v1/essays/{batch_id}/{quote(name, safe='')}") for name in names]
    assert [answer.json().get("essay_id") for answer in answers] == names


async def test_what_is_unknown_gets_a_404_problem(api: httpx.AsyncClient) -> None:
    paths = [
        f"/v1/batches/{UNKNOWN}",
        f"/v1/batches/{UNKNOWN}/essays",
        f"/v1/batches/{UNKNOWN}/essays?after=0",
        f"/v1/essays/{UNKNOWN}/essay-1",
        "/v1/nothing",
    ]
    answers = {path: await api.get(path) for path in paths}
    assert {path: kind(answer) for path, answer in answers.items()} == dict.fromkeys(
        paths, (404, PROBLEM)
    )
    assert all(answer.json()["status"] == 404 for answer in answers.values())


async def test_an_unknown_essay_of_a_known_batch_gets_a_404_problem(
    replica: Replica, api: httpx.AsyncClient, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1))
    answer = await api.get(f"/v1/essays/{batch_id}/other")
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"batch {batch_id} has no essay other"


async def test_what_is_malformed_gets_a_422_problem_that_says_where(api: httpx.AsyncClient) -> None:
    paths = [
        "/v1/batches/17",
        "/v1/batches/17/essays",
        f"/v1/batches/{UNKNOWN}/essays?limit=0",
        f"/v1/batches/{UNKNOWN}/essays?limit=1001",
        f"/v1/batches/{UNKNOWN}/essays?limit=many",
        f"/v1/batches/{UNKNOWN}/essays?after=-2",
        f"/v1/batches/{UNKNOWN}/essays?after=2147483648",
        "/v1/essays/17/essay-1",
        f"/v1/essays/{UNKNOWN}/a%00b",
        f"/v1/essays/{UNKNOWN}/{'x' * 256}",
    ]
    answers = {path: await api.get(path) for path in paths}
    assert {path: kind(answer) for path, answer in answers.items()} == dict.fromkeys(
        paths, (422, PROBLEM)
    )
    assert all(answer.json()["errors"] for answer in answers.values())


async def test_a_method_that_does_not_exist_gets_a_405_problem(api: httpx.AsyncClient) -> None:
    answer = await api.post(f"/v1/batches/{UNKNOWN}")
    assert kind(answer) == (405, PROBLEM)


async def test_a_bug_gets_a_500_problem_without_its_details(api: httpx.AsyncClient) -> None:
    answer = await api.get("/broken")
    assert kind(answer) == (500, PROBLEM)
    assert "ZeroDivision" not in answer.text


async def test_a_database_that_does_not_answer_gets_a_503_problem(
    service: Service, api: httpx.AsyncClient
) -> None:
    await service.database.close()
    answer = await api.get(f"/v1/batches/{UNKNOWN}")
    assert kind(answer) == (503, PROBLEM)
    assert answer.headers["retry-after"] == "1"
