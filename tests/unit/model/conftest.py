"""The real producer of a lane on Kafka's semantics in memory."""

from collections.abc import Iterator

import pytest

from tests.unit.model.broker import Broker
from tests.unit.model.lanes import in_place_of_kafka


@pytest.fixture
def broker() -> Iterator[Broker]:
    """Kafka, for everything that a LaneProducer asks of it."""
    with in_place_of_kafka() as broker:
        yield broker
