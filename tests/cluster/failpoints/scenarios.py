"""Which play reaches which failpoint; a failpoint without one fails a unit test."""

from essay_lifecycle_service.failpoints import EssayFailpoint
from rollcall.failpoints import Failpoint, FailpointName
from rollcall_cluster.purge.failpoints import PurgeFailpoint
from tests.cluster.failpoints import plays
from tests.cluster.failpoints.plays import Play

SCENARIOS: dict[FailpointName, Play] = {
    Failpoint.MIGRATION_SCHEMA_CREATED: plays.migrating,
    Failpoint.MIGRATION_APPLIED: plays.migrating,
    Failpoint.TOPICS_CREATED: plays.creating_topics,
    Failpoint.STARTUP_LANES_CREATED: plays.as_the_first,
    Failpoint.ASSIGNMENT_REVOKED: plays.when_another_joins,
    Failpoint.ASSIGNMENT_POSITIONS_READ: plays.under_load,
    Failpoint.ASSIGNMENT_LOG_ENDS_READ: plays.under_load,
    Failpoint.ASSIGNMENT_POSITIONS_OPENED: plays.as_the_first,
    Failpoint.ASSIGNMENT_FOUND: plays.under_load,
    Failpoint.FETCH_POLLED: plays.under_load,
    Failpoint.FETCH_ASSEMBLED: plays.under_load,
    Failpoint.CHUNK_TAKEN: plays.under_load,
    Failpoint.CHUNK_BEGUN: plays.under_load,
    Failpoint.CHUNK_POSITIONS_MOVED: plays.under_load,
    Failpoint.CHUNK_HANDLED: plays.under_load,
    Failpoint.CHUNK_DEAD_LETTERS_WRITTEN: plays.under_load,
    Failpoint.CHUNK_COMMITTED: plays.under_load,
    Failpoint.CHUNK_FINISHED: plays.under_load,
    Failpoint.TRANSACTION_SEGMENTS_WRITTEN: plays.under_load,
    Failpoint.TRANSACTION_COMMITTED: plays.under_load,
    Failpoint.BISECTION_HALF_COMMITTED: plays.with_poison,
    Failpoint.BISECTION_RECORD_ISOLATED: plays.with_poison,
    Failpoint.PAUSE_DECIDED: plays.when_a_topic_turns_bad,
    Failpoint.PAUSE_WRITTEN: plays.when_a_topic_turns_bad,
    Failpoint.PAUSES_NOTICED: plays.when_paused_by_hand,
    Failpoint.RESUME_WRITTEN: plays.resuming,
    Failpoint.FOLLOW_UP_COMMITTED: plays.under_load,
    Failpoint.PERIODIC_LOCKED: plays.under_load,
    Failpoint.REPORT_DUE: plays.under_load,
    Failpoint.REPORT_SENT: plays.under_load,
    Failpoint.RELAY_CONNECTED: plays.under_load,
    Failpoint.RELAY_BEATEN: plays.under_load,
    Failpoint.RELAY_DRAINED: plays.when_told_to_stop,
    Failpoint.RELAY_LEFT: plays.when_told_to_stop,
    Failpoint.LANE_LOCKED: plays.under_load,
    Failpoint.LANE_FENCED: plays.under_load,
    Failpoint.LANE_POSITION_READ: plays.under_load,
    Failpoint.LANE_FIRST_POSITION_WRITTEN: plays.as_the_first,
    Failpoint.LANE_LEFT_OVERS_READ: plays.as_a_successor,
    Failpoint.LANE_NUMBERED: plays.under_load,
    Failpoint.LANE_BEGUN: plays.under_load,
    Failpoint.LANE_RECORDS_SENT: plays.under_load,
    Failpoint.LANE_POSITION_SENT: plays.under_load,
    Failpoint.LANE_ACKNOWLEDGED: plays.under_load,
    Failpoint.LANE_COMMITTED: plays.under_load,
    Failpoint.LANE_ABANDONED: plays.when_another_joins,
    Failpoint.REDRIVE_SETTLED: plays.redriving,
    Failpoint.REDRIVE_WRITTEN: plays.redriving,
    Failpoint.REDRIVE_COMMITTED: plays.redriving,
    EssayFailpoint.BATCHES_WRITTEN: plays.under_load,
    EssayFailpoint.REGISTRATIONS_WRITTEN: plays.under_load,
    EssayFailpoint.SLOTS_REPAIRED: plays.with_half_a_registration,
    EssayFailpoint.CONTENT_TAKEN: plays.under_load,
    EssayFailpoint.COUNTED: plays.under_load,
    EssayFailpoint.REST_WRITTEN: plays.under_load,
    EssayFailpoint.SLOTS_ANNOUNCED: plays.under_load,
    EssayFailpoint.COMPLETION_WRITTEN: plays.under_load,
    EssayFailpoint.PENDING_FOUND: plays.alone_under_load,
    EssayFailpoint.PENDING_TAKEN_BACK: plays.under_load,
    EssayFailpoint.DEADLINES_FOUND: plays.with_deadlines,
    EssayFailpoint.SLOTS_GIVEN_UP: plays.with_deadlines,
    EssayFailpoint.TIMED_OUT: plays.with_deadlines,
    PurgeFailpoint.LOCKED: plays.purging,
    PurgeFailpoint.EXCESS_DELETED: plays.purging,
    PurgeFailpoint.SLOTS_DELETED: plays.purging,
    PurgeFailpoint.COMPLETIONS_DELETED: plays.purging,
    PurgeFailpoint.MARKED: plays.purging,
    PurgeFailpoint.COMMITTED: plays.purging,
    PurgeFailpoint.LATE_EXCESS_DELETED: plays.purging,
}

TOGETHER = {
    plays.under_load: 3,
    plays.with_poison: 2,
    plays.with_deadlines: 3,
    plays.when_told_to_stop: 2,
    plays.redriving: 3,
    plays.migrating: 3,
    plays.purging: 7,
}
"""Plays that take several triggers, and how many: one load, one rest and one audit serve all of them."""

NEW_ARENA = frozenset({plays.as_the_first})
"""Plays that need a deployment on which nothing has run."""

NTH: dict[FailpointName, tuple[int, ...]] = {
    # The second time, what was published the first time is deleted by the same statement.
    Failpoint.LANE_NUMBERED: (1, 2),
    Failpoint.MIGRATION_APPLIED: (1, 2),
}
"""Failpoints that are worth reaching more than once; the others are left at the first time."""

STALLS: dict[FailpointName, str] = {
    Failpoint.ASSIGNMENT_LOG_ENDS_READ: "long",
    Failpoint.ASSIGNMENT_FOUND: "long",
    Failpoint.FETCH_POLLED: "long",
    Failpoint.FETCH_ASSEMBLED: "long",
    Failpoint.CHUNK_TAKEN: "long",
    Failpoint.CHUNK_BEGUN: "long",
    Failpoint.CHUNK_POSITIONS_MOVED: "short",
    EssayFailpoint.REGISTRATIONS_WRITTEN: "long",
    EssayFailpoint.CONTENT_TAKEN: "long",
    EssayFailpoint.COUNTED: "long",
    EssayFailpoint.COMPLETION_WRITTEN: "long",
    EssayFailpoint.PENDING_TAKEN_BACK: "long",
    Failpoint.CHUNK_HANDLED: "long",
    Failpoint.TRANSACTION_SEGMENTS_WRITTEN: "long",
    Failpoint.TRANSACTION_COMMITTED: "long",
    Failpoint.CHUNK_COMMITTED: "long",
    Failpoint.CHUNK_FINISHED: "long",
    Failpoint.PERIODIC_LOCKED: "long",
    Failpoint.REPORT_DUE: "long",
    Failpoint.LANE_LOCKED: "long",
    Failpoint.LANE_FENCED: "long",
    Failpoint.LANE_POSITION_READ: "long",
    Failpoint.LANE_NUMBERED: "long",
    Failpoint.LANE_BEGUN: "long",
    Failpoint.LANE_RECORDS_SENT: "long",
    Failpoint.LANE_POSITION_SENT: "long",
    Failpoint.LANE_ACKNOWLEDGED: "long",
    Failpoint.LANE_COMMITTED: "long",
}
"""Where a replica is stopped and woken up: in every run of the tests (short), or with `make stalls`."""
