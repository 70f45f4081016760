"""Failpoints: places between two durable steps where a test can stop or kill the process.

Nothing is armed unless something outside of this package calls `armed` around the whole program: no
setting, no variable and no route does. A task inherits what was armed where it was created.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Self


class FailpointName(str):
    """A failpoint with what is durable, and what is not yet, when it is reached.

    The attributes of a plain class, not the members of an enumeration, whose lookup costs more than all
    else of a failpoint that is not armed. Services name theirs in a class of their own.
    """

    __slots__ = ("meaning",)
    meaning: str

    def __new__(cls, name: str, meaning: str) -> Self:
        """Make one of its name and its meaning."""
        failpoint = super().__new__(cls, name)
        failpoint.meaning = meaning
        return failpoint


def names_in(listing: type) -> dict[str, FailpointName]:
    """The failpoints of a class such as `Failpoint`, by attribute, in order."""
    return {n: value for n, value in vars(listing).items() if isinstance(value, FailpointName)}


class Failpoint:
    """The failpoints of the runtime."""

    MIGRATION_SCHEMA_CREATED = FailpointName(
        "migration.schema_created",
        "the schema exists and holds no table of this migration",
    )
    MIGRATION_APPLIED = FailpointName(
        "migration.applied", "one migration is applied, perhaps not the last"
    )
    TOPICS_CREATED = FailpointName(
        "topics.created", "missing topics are created and not compared yet"
    )
    STARTUP_LANES_CREATED = FailpointName(
        "startup.lanes_created", "the lanes exist; nothing else has begun"
    )

    ASSIGNMENT_REVOKED = FailpointName(
        "assignment.revoked",
        "the chunk in flight is finished or given up; the group still waits for this member",
    )
    ASSIGNMENT_POSITIONS_READ = FailpointName(
        "assignment.positions_read",
        "positions are read from PostgreSQL, the ends of the logs are not",
    )
    ASSIGNMENT_LOG_ENDS_READ = FailpointName(
        "assignment.log_ends_read",
        "positions and ends of the logs are read and not compared",
    )
    ASSIGNMENT_POSITIONS_OPENED = FailpointName(
        "assignment.positions_opened",
        "partitions that were never handled have their first position",
    )
    ASSIGNMENT_FOUND = FailpointName(
        "assignment.found",
        "starting points are decided; the client is not sent to them",
    )

    FETCH_POLLED = FailpointName(
        "fetch.polled", "records were drawn from the client, none is decoded"
    )
    FETCH_ASSEMBLED = FailpointName("fetch.assembled", "a chunk is decoded and not queued")

    CHUNK_TAKEN = FailpointName(
        "chunk.taken", "a chunk was taken from the queue, nothing has begun"
    )
    CHUNK_BEGUN = FailpointName("chunk.begun", "its transaction is open and has written nothing")
    CHUNK_POSITIONS_MOVED = FailpointName(
        "chunk.positions_moved",
        "the open transaction has moved the positions, no handler has run",
    )
    CHUNK_HANDLED = FailpointName(
        "chunk.handled",
        "every handler has run; dead letters and segments are not written",
    )
    CHUNK_DEAD_LETTERS_WRITTEN = FailpointName(
        "chunk.dead_letters_written",
        "dead letters are in the open transaction, their events are not",
    )
    CHUNK_COMMITTED = FailpointName(
        "chunk.committed",
        "the chunk is committed, the relay is awake; no follow-up job has begun",
    )
    CHUNK_FINISHED = FailpointName(
        "chunk.finished",
        "the chunk and its follow-up jobs are committed; this instance has not noted it",
    )

    TRANSACTION_SEGMENTS_WRITTEN = FailpointName(
        "transaction.segments_written",
        "all that a chunk or job does is written and not committed",
    )
    TRANSACTION_COMMITTED = FailpointName(
        "transaction.committed",
        "a chunk or job is committed and the relay is not awake",
    )

    BISECTION_HALF_COMMITTED = FailpointName(
        "bisection.half_committed",
        "the first half of a poisoned chunk is committed, the second is not begun",
    )
    BISECTION_RECORD_ISOLATED = FailpointName(
        "bisection.record_isolated",
        "a poison record stands alone; it is no dead letter yet",
    )
    PAUSE_DECIDED = FailpointName(
        "pause.decided",
        "a chunk with too many bad records is rolled back; its topic is not paused in PostgreSQL",
    )
    PAUSE_WRITTEN = FailpointName(
        "pause.written", "a topic is paused in PostgreSQL; no instance has noticed"
    )
    RESUME_WRITTEN = FailpointName(
        "resume.written", "a topic is resumed in PostgreSQL; no instance has noticed"
    )
    PAUSES_NOTICED = FailpointName(
        "pauses.noticed",
        "an instance has read that a topic is paused or resumed; it goes on as before yet",
    )

    FOLLOW_UP_COMMITTED = FailpointName(
        "follow_up.committed",
        "a follow-up or periodic job is committed; the jobs it asks for have not begun",
    )
    PERIODIC_LOCKED = FailpointName(
        "periodic.locked",
        "a periodic job holds its lock and has done nothing",
    )

    REPORT_DUE = FailpointName("report.due", "positions are committed; the group is not told")
    REPORT_SENT = FailpointName("report.sent", "the group is told; this instance has not noted it")

    RELAY_CONNECTED = FailpointName(
        "relay.connected",
        "the lane session is open; this instance is not registered",
    )
    RELAY_BEATEN = FailpointName(
        "relay.beaten", "this instance is registered or its heartbeat is renewed"
    )
    RELAY_DRAINED = FailpointName(
        "relay.drained", "a clean stop has published what it had; it has not left"
    )
    RELAY_LEFT = FailpointName(
        "relay.left", "the instance has signed off, if it could; its session still holds the lanes"
    )

    LANE_LOCKED = FailpointName("lane.locked", "a lane is locked; its former owner is not fenced")
    LANE_FENCED = FailpointName(
        "lane.fenced",
        "the producer is initialised, which fences former owners; the position is not read",
    )
    LANE_POSITION_READ = FailpointName(
        "lane.position_read",
        "the lane's position is read from Kafka and not compared with the database",
    )
    LANE_FIRST_POSITION_WRITTEN = FailpointName(
        "lane.first_position_written",
        "a lane that never published has its first position in Kafka; no segment of it is numbered",
    )
    LANE_LEFT_OVERS_READ = FailpointName(
        "lane.left_overs_read",
        "segments that a former owner had numbered are read, none is published",
    )
    LANE_NUMBERED = FailpointName(
        "lane.numbered",
        "what is published is deleted and the next segments are numbered, in one statement",
    )
    LANE_BEGUN = FailpointName("lane.begun", "a Kafka transaction has begun and holds nothing")
    LANE_RECORDS_SENT = FailpointName(
        "lane.records_sent", "its records are on their way, the position is not"
    )
    LANE_POSITION_SENT = FailpointName(
        "lane.position_sent", "records and position are on their way"
    )
    LANE_ACKNOWLEDGED = FailpointName(
        "lane.acknowledged",
        "Kafka has everything of the transaction; it is not committed",
    )
    LANE_COMMITTED = FailpointName(
        "lane.committed",
        "Kafka has committed; PostgreSQL still holds the segments as not published",
    )
    LANE_ABANDONED = FailpointName(
        "lane.abandoned",
        "a lane that is given up has no publisher; it is still locked",
    )

    REDRIVE_SETTLED = FailpointName(
        "redrive.settled",
        "dead letters are settled in the open transaction; their records are in no segment",
    )
    REDRIVE_WRITTEN = FailpointName(
        "redrive.written", "their segments are written and not committed"
    )
    REDRIVE_COMMITTED = FailpointName(
        "redrive.committed", "one batch is committed, the next is not begun"
    )


Act = Callable[[FailpointName], None]
"""What happens when a failpoint is reached while armed; it may not return."""

_act: ContextVar[Act | None] = ContextVar("rollcall_failpoint_act", default=None)
_armed_act = _act.get


def reached(failpoint: FailpointName) -> None:
    """Say that the program is at `failpoint`; does nothing unless armed."""
    if (act := _armed_act()) is not None:
        act(failpoint)


@contextmanager
def armed(act: Act) -> Iterator[None]:
    """Call `act` at every failpoint that is reached within, or in tasks created within."""
    token = _act.set(act)
    try:
        yield
    finally:
        _act.reset(token)
