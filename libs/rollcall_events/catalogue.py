"""What is shipped for each event beside its model: JSON Schema and golden example."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import pydantic_core

from rollcall_events.envelope import EventData
from rollcall_events.topics import TOPICS


def event_models() -> tuple[type[EventData], ...]:
    """Give every event that a topic carries, in the order of the registry."""
    return tuple(model for topic in TOPICS for model in topic.models)


def schema_of(model: type[EventData]) -> dict[str, Any]:
    """Give the JSON Schema of a whole message as the model stands now."""
    return model.envelope().model_json_schema()


def schemas_folder() -> Traversable:
    """Give the folder of the JSON Schemas that other programs were written against."""
    return files("rollcall_events") / "schemas"


def published_schema(
    model: type[EventData], folder: Traversable | None = None
) -> dict[str, Any] | None:
    """Read the JSON Schema that other programs were written against; None for a new event."""
    file = (folder or schemas_folder()) / f"{model.event_type}.json"
    return pydantic_core.from_json(file.read_bytes()) if file.is_file() else None


def golden_example(model: type[EventData]) -> bytes:
    """Read the example message of the event, as it would stand in its topic."""
    return (files("rollcall_events") / "examples" / f"{model.event_type}.json").read_bytes()
