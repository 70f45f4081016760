"""What an instance may refuse: partitions that are its own."""

from unittest.mock import Mock

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from rollcall.consumer.ownership import Ownership
from rollcall.consumer.positions import Refusal
from rollcall.consumer.records import Partition

OWNED, GIVEN_AWAY = TopicPartition("contents", 0), TopicPartition("contents", 1)


def test_a_partition_that_was_given_away_meanwhile_is_not_refused() -> None:
    """The client would say that it is not assigned, and the process would end."""

    def pause(partition: TopicPartition) -> None:
        if partition != OWNED:
            raise IllegalStateError(f"No current assignment for partition {partition}")

    client = Mock()
    client.pause = pause
    ownership = Ownership(client, 1)
    ownership.on_partitions_assigned([OWNED])
    ownership.leave(Refusal(Partition(*each), "a record") for each in (OWNED, GIVEN_AWAY))
    assert list(ownership.refused) == [Partition(*OWNED)]
    assert len(ownership.problems()) == 1
