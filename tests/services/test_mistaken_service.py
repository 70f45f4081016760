"""A service that is defined wrongly ends with the code 2 and says what is wrong; no record is blamed."""

from uuid import UUID

import pytest

from rollcall.exit_codes import ExitCode
from tests.db.events import contents
from tests.db.evidence import Evidence
from tests.fixtures.services import StartService
from tests.services.kafka_client import KafkaClient
from tests.services.mistaken_service import MODULE


async def test_an_event_without_a_topic_ends_the_process_and_blames_no_record(
    service_process: StartService, kafka: KafkaClient, evidence: Evidence, batch_id: UUID
) -> None:
    await kafka.send(*contents(batch_id, 3))
    replica = service_process(module=MODULE, MISTAKE="stray_event")
    assert await replica.wait_exit() == ExitCode.MISCONFIGURED
    (failed,) = replica.log_events("service_failed")
    assert failed["error"] == (
        "publish_stray: no topic of this service carries StrayV1: add it to the topics"
    )
    assert failed["exit_code"] == ExitCode.MISCONFIGURED
    assert await evidence.dead_letters() == []
    assert set((await evidence.positions()).values()) == {0}


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("no_handler", "mistaken: no handler is registered: call service.on(...)"),
        ("plain_handler", "mistaken: the handler plain is no coroutine function: "),
        ("narrow_handler", "mistaken: the handler narrow cannot be called with (received, tx): "),
    ],
)
async def test_a_service_that_could_handle_nothing_does_not_start(
    service_process: StartService, mistake: str, message: str
) -> None:
    replica = service_process(module=MODULE, MISTAKE=mistake)
    assert await replica.wait_exit() == ExitCode.MISCONFIGURED
    assert message in replica.log
