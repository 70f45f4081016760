"""Every error the runtime raises: what happened, with which value, and what to do."""

from collections.abc import Collection, Sequence
from typing import Any

from rollcall.exit_codes import ExitCode


class RollcallError(Exception):
    """Base of all errors raised by the runtime."""


class ConfigurationError(RollcallError):
    """A setting or a service definition cannot work; the message names it and the remedy.

    A restart would not help, so a service ends with the code 2. No record is blamed for it.
    """

    exit_code = ExitCode.MISCONFIGURED


class AccessDeniedError(ConfigurationError):
    """A server is there and does not let this program in, or is not the one it should be.

    Waiting would not help, so a service that starts ends with the code 2; the message says what to check.
    """


class DatabaseUnreachableError(RollcallError):
    """Migrations cannot be run: the message has libpq's reason and the settings to check."""


class SchemaTooNewError(RollcallError):
    """The database schema holds migrations that this program does not know.

    Run a newer release; or the schema is another service's: check ROLLCALL_DATABASE_SCHEMA.
    """


class SchemaNotMigratedError(RollcallError):
    """The database schema lacks migrations of this program: run its `migrate` command.

    Or the schema is another service's: check ROLLCALL_DATABASE_SCHEMA.
    """


class TopicMismatchError(RollcallError):
    """A topic on the cluster contradicts the registry; the message lists each difference."""


class PositionConflictError(RollcallError):
    """Another instance moved a position: this one no longer owns the partition, or is behind.

    Nothing was committed. The partitions are read again from the positions in PostgreSQL.
    """


class OwnershipLostError(RollcallError):
    """The partitions of a chunk were revoked while it was being retried; its new owner handles it."""


class RecordRefusedError(RollcallError):
    """A record can neither take effect nor become a dead letter: its partition is refused, others go on.

    Nothing of it was committed. The message has the record and the database's error: remove its cause,
    then restart the replica; the partition is tried again at each rebalance, too.
    """

    def __init__(self, partitions: Collection[Any], records: str, cause: Exception) -> None:
        self.partitions = partitions
        super().__init__(
            f"{records} can neither take effect nor become a dead letter: {cause!r}"[:1000]
        )


class DeadLetterLimitError(RollcallError):
    """Too large a share of a topic's newest records is bad: the topic is paused before this chunk.

    The chunk was not committed. Find out what the upstream sends, then run `rollcall topic resume`.
    """

    def __init__(self, topic: str, rejected: int, records: int) -> None:
        self.topic = topic
        super().__init__(
            f"{rejected} of the newest {records} records are bad (ROLLCALL_DEAD_LETTER_MAX_SHARE)"
        )


class LaneLostError(RollcallError):
    """The session that holds the advisory lock of a lane ended; its next owner goes on."""


class LanePositionError(RollcallError):
    """Kafka's record of a lane's position contradicts the database; going on could lose events.

    Ahead of the database: the database was restored to an earlier point. Behind it: the topic that
    holds lane positions was lost or recreated. Follow docs/operations.md, "Backup and restore".
    """


class DatabaseRestoredError(RollcallError):
    """The database went back in time: Kafka holds events that it does not know. Nothing is handled.

    Stop every replica, then see docs/operations.md, "Backup and restore": `rollcall reconcile` is for the
    essay lifecycle service; other services have no such command.
    """


class SegmentRefusedError(RollcallError):
    """A segment cannot be published, however often it is tried; its lane waits, the others go on.

    The message names the segment (lane:sequence number), the cause and the remedy. The lane goes on by
    itself once the cause is gone.
    """

    def __init__(self, lane: int, seqs: Sequence[int], because: str) -> None:
        self.seqs = seqs
        numbers = f"{seqs[0]}" if len(seqs) == 1 else f"{seqs[0]} to {seqs[-1]}"
        super().__init__(f"segment {lane}:{numbers} cannot be published: {because}")


class PublicationOverdueError(RollcallError, TimeoutError):
    """Kafka did not take several segments of a lane in time: they go out one by one, nothing is to be done.

    Whether they were published is asked of Kafka first.
    """

    def __init__(self, lane: int, seqs: Sequence[int]) -> None:
        self.seqs = seqs
        super().__init__(f"segments {lane}:{seqs[0]} to {seqs[-1]} were not published in time")


class TaskEndedError(RollcallError):
    """A part of the service that must last as long as the process ended without an error of its own."""


class FetcherDeadError(RollcallError):
    """The Kafka client fetches nothing any more though records wait: the process ends with the code 3.

    A new process fetches again, from the positions in PostgreSQL.
    """

    exit_code = ExitCode.FETCHER_DEAD


class SessionTimeoutRefusedError(ConfigurationError):
    """The brokers do not take ROLLCALL_SESSION_TIMEOUT_SECONDS: the process ends with the code 2.

    Set it between the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms.
    """


class OperatorError(RollcallError):
    """An operator's order cannot be carried out; nothing was changed. The message says what to do."""


class OperatorBusyError(OperatorError):
    """An order cannot have what it needs now: in use for too long, or Kafka does not answer.

    Nothing was changed. Try again.
    """


class OutcomeUnknownError(RollcallError):
    """The database did not answer the commit of an order: it was carried out, or nothing was changed.

    Look for it in the audit (`rollcall audit list`) before you give it again.
    """


class DeadLetterError(OperatorError):
    """A command about dead letters cannot be carried out; the message says why and what to do."""


class CoordinationError(RollcallError):
    """Base of what Redis coordination raises."""


class CoordinationUnavailableError(CoordinationError):
    """Redis gave no answer, or refused for a reason of its own: down, loading, read-only, out of memory.

    What was asked may have taken effect or may do so yet; nothing here counts on either.
    """


class LockBusyError(CoordinationError):
    """A lock was not acquired within the time to wait; somebody else holds it or stands before us."""


class LockLostError(CoordinationError):
    """A lock was lost while it was held: its holder's work was cancelled. The message says why.

    What the work had committed under the fencing number counts; the rest is the next holder's.
    """


class FencedOutError(CoordinationError):
    """A newer holder of the lock has written to the resource: this transaction must not commit."""


class FailureLimitError(CoordinationError):
    """Something has failed as often as it may: set it aside for an operator, do not try it again."""


class StateConflictError(CoordinationError):
    """A state is not at the version it was read at, or the lock it is saved under is lost.

    Nothing was saved. Read it again if the lock is still held.
    """


class StateTooLargeError(CoordinationError):
    """A state is larger than its store takes; nothing was saved. Keep large parts elsewhere."""
