"""What a request holds: one envelope or a list of them, each judged by itself. Pure; no I/O."""

from dataclasses import dataclass

import msgspec

from rollcall.consumer.decoding import Decoder
from rollcall.consumer.records import InputRecord, Partition, Received, Rejected, Skipped
from rollcall_events import Envelope
from rollcall_events.topics import Topic

MAX_ENVELOPES = 500


class UnreadableBodyError(ValueError):
    """The body as a whole is no envelope and no list of 1 to 500 of them; nothing of it was taken."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An envelope that the service would take, as the record that will carry it."""

    index: int
    event_id: str
    topic: str
    key: bytes | None
    value: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """An envelope that would end as a dead letter, or that nobody here handles, and why."""

    index: int
    error_type: str
    error_message: str


def split(body: bytes) -> list[bytes]:
    """Cut a body into the bytes of its envelopes, unchanged.

    Raises:
        UnreadableBodyError: it is not JSON, nested too deeply, or neither an object nor a list of 1 to 500 items.
    """
    try:
        if body.lstrip()[:1] != b"[":
            return [bytes(msgspec.json.decode(body, type=msgspec.Raw))]
        items = [bytes(item) for item in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except msgspec.DecodeError as error:
        raise UnreadableBodyError(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise UnreadableBodyError("the body is nested too deeply") from None
    if not 1 <= len(items) <= MAX_ENVELOPES:
        raise UnreadableBodyError(f"{len(items)} events; 1 to {MAX_ENVELOPES} are taken at a time")
    return items


class Judge:
    """Says of each envelope what the consumer would say of the record.

    `topics` are the input topics of the service, `prefix` comes before their names on the cluster.
    """

    def __init__(self, topics: tuple[Topic, ...], prefix: str, max_bytes: int) -> None:
        models = [model for topic in topics for model in topic.models]
        self._decoder = Decoder(models, max_bytes)
        self._topics = {model.event_type: topic for topic in topics for model in topic.models}
        self._prefix = prefix

    def judge(self, index: int, value: bytes) -> Accepted | Refused:
        """Judge the envelope at `index` of a request."""
        item = self._decoder.decode(_as_record(value))
        match item:
            case Received(envelope=envelope):
                topic = self._topics[envelope.event_type]
                return Accepted(
                    index,
                    str(envelope.event_id),
                    topic.prefixed(self._prefix),
                    _key(topic, envelope),
                    value,
                )
            case Skipped(event_type=event_type):
                known = ", ".join(sorted(self._topics))
                return Refused(
                    index, "unknown_event_type", f"{event_type!r} is not taken here; {known} are"
                )
            case Rejected(error_type=error_type, error_message=message):
                return Refused(index, error_type, message)


def _as_record(value: bytes) -> InputRecord:
    return InputRecord(Partition("", 0), 0, None, value, (), -1)


def _key(topic: Topic, envelope: Envelope[object]) -> bytes | None:  # type: ignore[type-var]
    """The key that the registry names, so that a batch stays in one partition of each topic."""
    found = getattr(envelope.data, topic.key, None)
    return None if found is None else str(found).encode()
