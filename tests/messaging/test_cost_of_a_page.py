"""What a page of the relay costs Kafka, in counts: a change that doubles the requests fails here."""

from collections import Counter
from typing import Any

import pytest
from aiokafka.conn import AIOKafkaConnection

from rollcall import ServiceSettings
from rollcall.outbox.event import OutgoingRecord
from rollcall.outbox.producer import LaneProducer
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import StoredSegment
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.limits import (
    KAFKA_REQUESTS_OF_A_PAGE,
    KAFKA_TRANSACTIONS_OF_A_PAGE,
    RELAY_SEGMENTS,
)

_PAGES = 5
_TOPIC = Topology(TOPICS).outputs[0].name


def _page(first: int) -> list[StoredSegment]:
    """A full page of segments, each with records of several keys."""
    codec = SegmentCodec()
    records = [OutgoingRecord(_TOPIC, b"key-%d" % n, b"value") for n in range(20)]
    return [StoredSegment(first + n, codec.encode(records)) for n in range(RELAY_SEGMENTS)]


async def test_a_page_is_one_transaction_of_few_requests(
    kafka_bootstrap: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
):
    """However many segments and records it has."""
    settings = ServiceSettings.model_validate(
        {"kafka_bootstrap_servers": kafka_bootstrap, "topic_prefix": topic_prefix}
    )
    producer = LaneProducer(settings, Topology(TOPICS), 0, SegmentCodec())
    pages: list[Counter[str]] = []
    send = AIOKafkaConnection.send

    def counted(connection: AIOKafkaConnection, request: Any, *rest: Any, **more: Any) -> Any:
        pages[-1][type(request).__name__] += 1
        return send(connection, request, *rest, **more)

    try:
        await producer.open()
        await producer.publish(_page(1))
        monkeypatch.setattr(AIOKafkaConnection, "send", counted)
        for number in range(1, _PAGES + 1):
            pages.append(Counter())
            await producer.publish(_page(1 + number * RELAY_SEGMENTS))
    finally:
        await producer.close()
    assert {page["EndTxnRequest"] for page in pages} == {KAFKA_TRANSACTIONS_OF_A_PAGE}
    # A page that begins while the last one's markers are being written asks again and again.
    assert min(page.total() for page in pages) <= KAFKA_REQUESTS_OF_A_PAGE, pages
