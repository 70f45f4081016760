"""A handler that is wrong whatever it is given blames no record: nothing commits, and the process ends."""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

import pytest

from rollcall import Event, Received, Transaction
from rollcall.errors import ConfigurationError
from rollcall_events import EssayContentProvisionedV1, EventData
from tests.db.conftest import OpenReplica
from tests.db.events import content, contents, registration
from tests.db.evidence import Evidence
from tests.db.replica import Hook


class StrayV1(EventData):
    """An event that no topic carries."""

    event_type: ClassVar[str] = "StrayV1"


def event(data: Any, batch_id: UUID, key: Any = "key") -> Event:
    """An event of any data and key."""
    return Event(data, event_id=batch_id, correlation_id=batch_id, key=key)


def returning(value: Any) -> Hook:
    """A handler that returns `value`, whatever it is given."""

    async def mistaken(_: Sequence[Received[Any]], __: Transaction) -> Any:
        return value

    return mistaken


def publishing(value: Any) -> Hook:
    """A handler that publishes `value` by itself."""

    async def mistaken(_: Sequence[Received[Any]], tx: Transaction) -> Any:
        await tx.publish(value)

    return mistaken


async def test_a_handler_without_return_publishes_nothing(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    replica = await replicas(after=returning(None))
    await replica.handle(registration(batch_id, 2), *contents(batch_id, 2))
    assert await evidence.counts(batch_id) == (2, 0, 0)
    assert await evidence.dead_letters() == []


STRAY = StrayV1()
SOME_ID = UUID(int=1)


@pytest.mark.parametrize("hand_over", [returning, publishing])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([event(STRAY, SOME_ID)], "no topic of this service carries StrayV1"),
        ([event({}, SOME_ID)], "no topic of this service carries dict"),
        (True, "bool"),
        (event(STRAY, SOME_ID), "Event"),
        ([STRAY], "StrayV1"),
        ("text", "str"),
    ],
    ids=["stray", "no_model", "no_iterable", "single_event", "bare_data", "text"],
)
async def test_what_is_no_event_of_the_service_blames_the_handler(
    replicas: OpenReplica,
    evidence: Evidence,
    batch_id: UUID,
    hand_over: Any,
    value: Any,
    message: str,
) -> None:
    replica = await replicas(after=hand_over(value))
    with pytest.raises(ConfigurationError, match=rf"^{hand_over.__name__}\S+mistaken: .*{message}"):
        await replica.handle(registration(batch_id, 1), content(batch_id, "text"))
    assert await evidence.dead_letters() == []
    assert await evidence.batch(batch_id) is None
    assert await evidence.positions() == {0: 0}


async def test_a_key_that_is_never_text_blames_the_handler(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    data = content(batch_id, "text")
    replica = await replicas(after=partial(returning([event(data, batch_id, batch_id)])))
    with pytest.raises(ConfigurationError, match=r"mistaken: the key of .* is a UUID"):
        await replica.handle(registration(batch_id, 1))
    assert await evidence.dead_letters() == []


async def test_a_key_that_one_record_lacks_blames_that_record(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    async def keyed(received: Sequence[Received[Any]], _: Transaction) -> list[Event]:
        return [
            event(item.data, batch_id, None if item.data.text_storage_id == "b" else "key")
            for item in received
            if isinstance(item.data, EssayContentProvisionedV1)
        ]

    replica = await replicas(after=keyed)
    await replica.handle(registration(batch_id, 2), content(batch_id, "a"), content(batch_id, "b"))
    (letter,) = await evidence.dead_letters()
    assert (letter["record_offset"], letter["error_type"]) == (2, "TypeError")
    assert await evidence.counts(batch_id) == (1, 0, 1)
