"""Where lanes stand whose positions Kafka has lost, by what they published."""

from typing import Any
from uuid import UUID, uuid4

from rollcall.outbox.raw_record import RawRecord
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import LaneRange
from rollcall_cluster.reconcile.positions import lost_positions
from rollcall_cluster.reconcile.statements import Statements
from rollcall_events import EssayContentProvisionedV1
from rollcall_events.topics import topic_for
from tests.db.conftest import OpenReplica
from tests.db.events import content, contents, registration
from tests.db.replica import LANES
from tests.db.restored import Deployment, Logs, Published, Story

NO_POSITIONS: dict[int, int] = {}
NUMBER = """
UPDATE segment s SET seq = n.seq
FROM (SELECT id, row_number() OVER (PARTITION BY lane ORDER BY id) AS seq FROM segment) n
WHERE s.id = n.id
"""
RANGES = "SELECT lane, last_seq, published_seq FROM lane"


async def working(replicas: OpenReplica, connection: Any) -> tuple[Deployment, list[Published]]:
    """A deployment with segments in several lanes, all of them numbered."""
    deployment = Deployment(connection, await replicas(), Story((uuid4(), uuid4(), uuid4()), []))
    await deployment.begin()
    for batch_id in [uuid4() for _ in range(6)]:
        await deployment.replica.handle(registration(batch_id, 3), *contents(batch_id, 2))
        await deployment.replica.handle(content(batch_id, "last"))
    await connection.execute(NUMBER)
    await connection.execute("UPDATE lane SET last_seq = 9, published_seq = 1")
    return deployment, await deployment.segments()


async def found(deployment: Deployment, published: list[Published]) -> dict[int, int]:
    """What the logs tell, with these segments in them."""
    rows = await deployment.connection.fetch(RANGES)
    known = {row["lane"]: LaneRange(row["last_seq"], row["published_seq"]) for row in rows}
    logs: Any = Logs(deployment.story, published)
    statements = Statements(deployment.connection)
    return await lost_positions(statements, logs, "", known, NO_POSITIONS)


async def test_a_lane_stands_at_the_newest_number_that_was_published(
    replicas: OpenReplica, connection: Any
) -> None:
    """The database knows the last but one transaction; of the last it does not know the outcome."""
    deployment, segments = await working(replicas, connection)
    published = [segment for segment in segments if segment.seq <= 2]
    assert {segment.lane for segment in segments if segment.seq == 2}
    newest = {
        lane: max((s.seq for s in published if s.lane == lane), default=1) for lane in range(LANES)
    }
    assert await found(deployment, published) == newest


async def test_what_the_database_knows_to_be_published_was(
    replicas: OpenReplica, connection: Any
) -> None:
    """Though the logs, too, were lost."""
    deployment, _ = await working(replicas, connection)
    assert await found(deployment, []) == dict.fromkeys(range(LANES), 1)


async def test_redriven_records_are_looked_for_in_the_input(
    replicas: OpenReplica, connection: Any, batch_id: UUID
) -> None:
    """They are published as everything else is, to the topic that they came from."""
    deployment, _ = await working(replicas, connection)
    topic = topic_for(EssayContentProvisionedV1).name
    payload = SegmentCodec().encode_raw([RawRecord(topic, b"key", b"value", [])])
    await connection.execute(
        "INSERT INTO segment (lane, seq, event_count, payload) VALUES (0, 50, 1, $1)", payload
    )
    positions = await found(deployment, [Published(0, 50, payload)])
    assert positions[0] == 50


async def test_a_lane_that_gave_numbers_has_lost_its_position_though_none_is_known_to_be_published(
    replicas: OpenReplica, connection: Any
) -> None:
    """Its first transaction may have been committed: the logs tell."""
    deployment, segments = await working(replicas, connection)
    await connection.execute("UPDATE lane SET published_seq = 0")
    first = [segment for segment in segments if segment.seq == 1]
    assert (await found(deployment, first)).keys() == set(range(LANES))
    assert await found(deployment, first) == {
        lane: int(any(segment.lane == lane for segment in first)) for lane in range(LANES)
    }


async def test_positions_that_are_there_are_left(replicas: OpenReplica, connection: Any) -> None:
    deployment, segments = await working(replicas, connection)
    logs: Any = Logs(deployment.story, segments)
    known = {0: LaneRange(5, 2)}
    assert await lost_positions(Statements(connection), logs, "", known, {0: 3}) == {}
