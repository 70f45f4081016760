"""Why segments are not published: for good, and what an operator can do; or too many at a time. Pure."""

from aiokafka import errors as kafka

from rollcall.errors import LaneLostError, RollcallError

_TOO_LARGE = (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError)
_FORBIDDEN = (
    kafka.TopicAuthorizationFailedError,
    kafka.ClusterAuthorizationFailedError,
    kafka.TransactionalIdAuthorizationFailed,
)
_REFUSED = (
    kafka.InvalidTopicError,
    kafka.CorruptRecordException,
    kafka.InvalidTimestampError,
    kafka.UnsupportedForMessageFormatError,
    kafka.PolicyViolationError,
)
# The transaction's time is up; a batch found no room before its request's time was up.
_OVERDUE = (TimeoutError, kafka.KafkaTimeoutError)
_PASSING = (kafka.KafkaError, LaneLostError, OSError, TimeoutError)


def is_permanent(error: Exception) -> bool:
    """Whether publishing the same segment again would fail in the same way.

    Kafka's other errors say nothing about the segment: the lane is taken over again. What is neither
    Kafka's nor the network's error was raised by the segment's own bytes.
    """
    if isinstance(error, _TOO_LARGE + _FORBIDDEN + _REFUSED):
        return True
    return not isinstance(error, _PASSING)


def is_overdue(error: Exception) -> bool:
    """Whether Kafka might take less at a time: with as much again it could be too late for ever."""
    return isinstance(error, _OVERDUE)


def remedy(error: Exception) -> str:
    """What to do about a permanent error; the lane goes on by itself once it is done."""
    if isinstance(error, _TOO_LARGE):
        return "raise max.message.bytes of the topics that this lane writes to"
    if isinstance(error, _FORBIDDEN):
        return "grant this service's user the right to write"
    if isinstance(error, _REFUSED):
        return "compare the topics with the registry: the service's 'topics' command does"
    if isinstance(error, RollcallError):
        return "do what the error says"
    return "the segment's bytes are broken: restore the row, or report a bug with the log"
