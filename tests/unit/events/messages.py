"""Golden examples with something changed."""

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from rollcall_events import EventData
from rollcall_events.catalogue import golden_example


def changed(model: type[EventData], path: str, value: object) -> bytes:
    """The golden example with the field at `path` (`data.batch_id`) set to `value`."""
    message = orjson.loads(golden_example(model))
    *parents, name = path.split(".")
    target: Any = message
    for parent in parents:
        target = target[parent]
    target[name] = value
    return orjson.dumps(message)


def without(model: type[EventData], path: str) -> bytes:
    """The golden example with the field at `path` left out."""
    message = orjson.loads(golden_example(model))
    *parents, name = path.split(".")
    target: Any = message
    for parent in parents:
        target = target[parent]
    del target[name]
    return orjson.dumps(message)


def refusal(model: type[EventData], message: bytes) -> ValidationError:
    """The error with which the event's envelope refuses the message."""
    with pytest.raises(ValidationError) as refused:
        model.envelope().model_validate_json(message)
    return refused.value
