"""One record to produce."""

from enum import StrEnum
from typing import NamedTuple

from rollcall_events import (
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
)
from rollcall_events.topics import topic_for

REGISTRATIONS = topic_for(BatchEssaysRegisteredV1).name
CONTENTS = topic_for(EssayContentProvisionedV1).name
FAILURES = topic_for(EssayValidationFailedV1).name


class Kind(StrEnum):
    """What a record is, as counted in the summary."""

    REGISTRATION = "registration"
    CONTENT = "content"
    FAILURE = "failure"
    DUPLICATE = "duplicate"
    MALFORMED = "malformed"


class Record(NamedTuple):
    """A record of a topic (named without prefix), due `at` seconds after the plan begins."""

    topic: str
    key: bytes | None
    value: bytes | None
    at: float
    kind: Kind
