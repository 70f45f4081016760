"""Positions, pending contents, segments and lanes that do not agree with the logs."""

from tests.unit.auditor.clean import OPEN, UNKNOWN
from tests.unit.auditor.events import content, registration
from tests.unit.auditor.plants.planting import plant
from tests.unit.auditor.service import Service
from tests.unit.auditor.world import World, batch_named


@plant("position-beyond-end", afterwards=True)
def position_beyond_the_end(world: World) -> None:
    world.tables["position"][0]["next_offset"] += 1


@plant("position-beyond-end", needs_servers=True)
def position_of_a_partition_that_does_not_exist(world: World) -> None:
    row = world.tables["position"][0]
    world.tables["position"].append(row | {"partition": 77, "next_offset": 5})


@plant("position-behind", needs_servers=True)
def input_not_handled(world: World) -> None:
    world.take_in(content(OPEN, "waiting"))


@plant("position-behind", needs_servers=True)
def partition_never_handled(world: World) -> None:
    world.take_in(registration(batch_named("late"), 1), key=b"some other partition")


@plant("pending-of-registered-batch")
def pending_although_registered(world: World) -> None:
    Service(world).open(UNKNOWN, 3)


@plant("segments-left", afterwards=True)
def segment_left(world: World) -> None:
    world.tables["segment"].append({"lane": 0, "event_count": 1, "payload": b"x"})


@plant("lane-ahead-of-database", afterwards=True)
def database_older_than_kafka(world: World) -> None:
    row = max(world.tables["lane"], key=lambda row: row["last_seq"])
    row.update(last_seq=row["last_seq"] - 1, published_seq=0)


@plant("lane-behind-database", "lane-numbers-lost", afterwards=True)
def kafka_older_than_database(world: World) -> None:
    row = max(world.tables["lane"], key=lambda row: row["last_seq"])
    row.update(last_seq=row["last_seq"] + 1, published_seq=row["last_seq"] + 1)


@plant("lane-numbers-lost", afterwards=True)
def segment_numbered_and_lost(world: World) -> None:
    world.tables["lane"][0]["last_seq"] += 1


@plant("lane-behind-database", "lane-numbers-lost", afterwards=True)
def positions_topic_made_again(world: World) -> None:
    world.records = [r for r in world.records if r.topic != "els.relay.positions.v1"]
