"""The HTTP document is kept, whatever is asked: drawn requests to a real replica, no crash, no 500."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from tests.db.events import content, contents, registration
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.services.kafka_client import KafkaClient

KNOWN_BATCH = UUID("6f0d2c1e-3b5a-4c6e-9a53-1f2b7c8d4e90")
TOKEN = "a-token-of-the-contract-test"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
KEPT = (
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
# An overloaded machine may make the database or Kafka answer late: that is told, and no crash.
_MAY_BE_LATE = 503


@pytest_asyncio.fixture
async def replica_url(
    service_process: StartService, kafka_bootstrap: str, topic_prefix: str
) -> str:
    """A replica that serves everything it can, with something to be found."""
    replica = service_process(
        ROLLCALL_HTTP_INGEST="true",
        ROLLCALL_ADMIN_TOKENS=TOKEN,
        ROLLCALL_ADMIN_REQUESTS_PER_SECOND="10000",
    )
    await replica.wait_ready()
    batch = registration(KNOWN_BATCH, 2)
    async with KafkaClient(kafka_bootstrap, topic_prefix) as kafka:
        await kafka.send(batch, *contents(KNOWN_BATCH, 3))
        await kafka.send_raw(type(content(KNOWN_BATCH, "x")), b"nonsense", partition=0)

    async def handled() -> bool:
        return (await replica.instance())["records_total"] >= 5

    await eventually(handled, message="five records are handled")
    return replica.url


def operations(url: str) -> Iterator[Any]:
    """Everything that the document of a replica offers."""
    for found in schemathesis.openapi.from_url(f"{url}/openapi.json").get_all_operations():
        yield found.ok()


def keep_the_contract(url: str, examples: int) -> dict[str, set[int]]:
    """Draw requests for every operation; returns the status codes that each gave."""
    load_all_checks()
    checks = [CHECKS.get_one(name) for name in KEPT]
    seen: dict[str, set[int]] = {}
    for operation in operations(url):
        statuses = seen.setdefault(f"{operation.method.upper()} {operation.path}", set())
        _draw(operation, checks, statuses, examples)
    return seen


def _draw(operation: Any, checks: list[Any], statuses: set[int], examples: int) -> None:
    @settings(
        max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        response = case.call(headers=AUTHORIZED, timeout=60)
        statuses.add(response.status_code)
        assert response.status_code != 500, case.as_curl_command()
        if response.status_code != _MAY_BE_LATE:
            case.validate_response(response, checks=checks)

    ask()


def test_a_few_requests_for_each_operation(replica_url: str) -> None:
    seen = keep_the_contract(replica_url, examples=3)

    assert "POST /v1/events" in seen
    assert any(path.startswith("POST /v1/dead-letters") for path in seen)
    assert {200} <= seen["GET /v1/instance"]


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_many_requests_for_each_operation(replica_url: str) -> None:
    keep_the_contract(replica_url, examples=400)
