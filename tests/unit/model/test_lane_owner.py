"""Whoever owns a lane, and whatever request is lost: each segment is published exactly once."""

import pytest
from aiokafka.errors import KafkaError, ProducerFenced

from rollcall.outbox.lane_position import LanePosition
from tests.unit.model.broker import Broker, Consumer
from tests.unit.model.lanes import lane_producer, lane_seqs, published, segment

SEGMENTS = [segment(seq) for seq in (1, 2, 3)]
EVERYTHING = sorted(b"%d.%d" % (seq, index) for seq in (1, 2, 3) for index in (0, 1))
# More than an owner's whole work takes, so that every request of it is lost once.
REQUESTS = 20


async def work() -> None:
    """What an owner does: ask where the lane stands, then publish what comes after, one by one."""
    owner = lane_producer()
    position = await owner.open() or LanePosition(0)
    for one in SEGMENTS:
        if one.seq > position.seq:
            position = await owner.publish([one])


async def test_an_owner_begins_where_the_last_one_committed(broker: Broker) -> None:
    former = lane_producer()
    assert await former.open() is None
    await former.publish(SEGMENTS[:2])
    assert await lane_producer().open() == LanePosition(2)


@pytest.mark.parametrize("lost", ["request", "answer"])
@pytest.mark.parametrize("number", range(1, REQUESTS))
async def test_whichever_request_is_lost_the_next_owner_publishes_the_rest_once(
    broker: Broker, lost: str, number: int
) -> None:
    if lost == "request":
        broker.lose_request = number
    else:
        broker.lose_answer = number
    try:
        await work()
    except KafkaError:
        await work()
    assert published(broker) == EVERYTHING
    assert len(set(lane_seqs(broker))) == len(EVERYTHING)


async def test_every_request_of_an_owner_has_been_lost_once(broker: Broker) -> None:
    """The bound of the test above is high enough."""
    await work()
    assert broker.requests < REQUESTS


async def test_a_former_owner_cannot_publish_any_more(broker: Broker) -> None:
    former = lane_producer()
    await former.open()
    await lane_producer().open()
    with pytest.raises(ProducerFenced):
        await former.publish(SEGMENTS)
    assert published(broker) == []


async def test_a_position_that_has_been_read_can_no_longer_move(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A former owner that commits just after the position was read would make it a lie."""
    former = lane_producer()
    await former.open()
    outcomes: list[str] = []

    async def former_owner_wakes_up(_: Consumer) -> None:
        try:
            await former.publish(SEGMENTS)
            outcomes.append("published")
        except ProducerFenced:
            outcomes.append("fenced")

    monkeypatch.setattr(Consumer, "stop", former_owner_wakes_up)
    owner = lane_producer()
    position = await owner.open() or LanePosition(0)
    await owner.publish([one for one in SEGMENTS if one.seq > position.seq])

    assert len(set(lane_seqs(broker))) == len(lane_seqs(broker))
    assert published(broker) == EVERYTHING
    assert outcomes == ["fenced"]


async def test_what_a_former_owner_left_open_is_not_read(broker: Broker) -> None:
    """It stalled between its last record and its commit."""
    former = lane_producer()
    await former.open()
    broker.lose_request = broker.requests + 4  # two batches or one, the position, the commit
    with pytest.raises(KafkaError):
        await former.publish(SEGMENTS)
    await work()
    assert published(broker) == EVERYTHING
