"""Failpoints: places between two durable steps where a test can stop or kill the process.

Nothing is armed unless something outside of this package calls `armed` around the whole program: no
setting, no variable and no route does. A task inherits what was armed where it was created.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Self


class FailpointName(StrEnum):
    """A failpoint with what is durable, and what is not yet, when it is reached.

    Services name theirs in a subclass of their own.
    """

    meaning: str

    def __new__(cls, name: str, meaning: str) -> Self:
        """Make a member of its name and its meaning."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.meaning = meaning
        return member


class Failpoint(FailpointName):
    """The failpoints of the runtime."""

    MIGRATION_SCHEMA_CREATED = (
        "migration.schema_created",
        "the schema exists and holds no table of this migration",
    )
    MIGRATION_APPLIED = ("migration.applied", "one migration is applied, perhaps not the last")
    TOPICS_CREATED = ("topics.created", "missing topics are created and not compared yet")
    STARTUP_LANES_CREATED = ("startup.lanes_created", "the lanes exist; nothing else has begun")

    ASSIGNMENT_REVOKED = (
        "assignment.revoked",
        "the chunk in flight is finished or given up; the group still waits for this member",
    )
    ASSIGNMENT_POSITIONS_READ = (
        "assignment.positions_read",
        "positions are read from PostgreSQL, the ends of the logs are not",
    )
    ASSIGNMENT_LOG_ENDS_READ = (
        "assignment.log_ends_read",
        "positions and ends of the logs are read and not compared",
    )
    ASSIGNMENT_POSITIONS_OPENED = (
        "assignment.positions_opened",
        "partitions that were never handled have their first position",
    )
    ASSIGNMENT_FOUND = (
        "assignment.found",
        "starting points are decided; the client is not sent to them",
    )

    FETCH_POLLED = ("fetch.polled", "records were drawn from the client, none is decoded")
    FETCH_ASSEMBLED = ("fetch.assembled", "a chunk is decoded and not queued")

    CHUNK_TAKEN = ("chunk.taken", "a chunk was taken from the queue, nothing has begun")
    CHUNK_BEGUN = ("chunk.begun", "its transaction is open and has written nothing")
    CHUNK_POSITIONS_MOVED = (
        "chunk.positions_moved",
        "the open transaction has moved the positions, no handler has run",
    )
    CHUNK_HANDLED = (
        "chunk.handled",
        "every handler has run; dead letters and segments are not written",
    )
    CHUNK_DEAD_LETTERS_WRITTEN = (
        "chunk.dead_letters_written",
        "dead letters are in the open transaction, their events are not",
    )
    CHUNK_COMMITTED = (
        "chunk.committed",
        "the chunk is committed, the relay is awake; no follow-up job has begun",
    )
    CHUNK_FINISHED = (
        "chunk.finished",
        "the chunk and its follow-up jobs are committed; this instance has not noted it",
    )

    TRANSACTION_SEGMENTS_WRITTEN = (
        "transaction.segments_written",
        "all that a chunk or job does is written and not committed",
    )
    TRANSACTION_COMMITTED = (
        "transaction.committed",
        "a chunk or job is committed and the relay is not awake",
    )

    BISECTION_HALF_COMMITTED = (
        "bisection.half_committed",
        "the first half of a poisoned chunk is committed, the second is not begun",
    )
    BISECTION_RECORD_ISOLATED = (
        "bisection.record_isolated",
        "a poison record stands alone; it is no dead letter yet",
    )
    PAUSE_WRITTEN = ("pause.written", "a topic is paused in PostgreSQL; no instance has noticed")

    FOLLOW_UP_COMMITTED = (
        "follow_up.committed",
        "a follow-up or periodic job is committed; the jobs it asks for have not begun",
    )
    PERIODIC_LOCKED = (
        "periodic.locked",
        "a periodic job holds its lock and has done nothing",
    )

    REPORT_DUE = ("report.due", "positions are committed; the group is not told")
    REPORT_SENT = ("report.sent", "the group is told; this instance has not noted it")

    RELAY_CONNECTED = (
        "relay.connected",
        "the lane session is open; this instance is not registered",
    )
    RELAY_BEATEN = ("relay.beaten", "this instance is registered or its heartbeat is renewed")
    RELAY_DRAINED = ("relay.drained", "a clean stop has published what it had; it has not left")
    RELAY_LEFT = ("relay.left", "a clean stop has signed off; its session still holds the lanes")

    LANE_LOCKED = ("lane.locked", "a lane is locked; its former owner is not fenced")
    LANE_FENCED = (
        "lane.fenced",
        "the producer is initialised, which fences former owners; the position is not read",
    )
    LANE_POSITION_READ = (
        "lane.position_read",
        "the lane's position is read from Kafka and not compared with the database",
    )
    LANE_LEFT_OVERS_READ = (
        "lane.left_overs_read",
        "segments that a former owner had numbered are read, none is published",
    )
    LANE_NUMBERED = (
        "lane.numbered",
        "what is published is deleted and the next segments are numbered, in one statement",
    )
    LANE_BEGUN = ("lane.begun", "a Kafka transaction has begun and holds nothing")
    LANE_RECORDS_SENT = ("lane.records_sent", "its records are on their way, the position is not")
    LANE_POSITION_SENT = ("lane.position_sent", "records and position are on their way")
    LANE_ACKNOWLEDGED = (
        "lane.acknowledged",
        "Kafka has everything of the transaction; it is not committed",
    )
    LANE_COMMITTED = (
        "lane.committed",
        "Kafka has committed; PostgreSQL still holds the segments as not published",
    )
    LANE_ABANDONED = (
        "lane.abandoned",
        "a lane that is given up has no publisher; it is still locked",
    )

    REDRIVE_SETTLED = (
        "redrive.settled",
        "dead letters are settled in the open transaction; their records are in no segment",
    )
    REDRIVE_WRITTEN = ("redrive.written", "their segments are written and not committed")
    REDRIVE_COMMITTED = ("redrive.committed", "one batch is committed, the next is not begun")


Act = Callable[[FailpointName], None]
"""What happens when a failpoint is reached while armed; it may not return."""

_act: ContextVar[Act | None] = ContextVar("rollcall_failpoint_act", default=None)


def reached(failpoint: FailpointName) -> None:
    """Say that the program is at `failpoint`; does nothing unless armed."""
    if (act := _act.get()) is not None:
        act(failpoint)


@contextmanager
def armed(act: Act) -> Iterator[None]:
    """Call `act` at every failpoint that is reached within, or in tasks created within."""
    token = _act.set(act)
    try:
        yield
    finally:
        _act.reset(token)
