"""Publishes the contracts: `python -m rollcall_events.publish docs/asyncapi.json`.

Writes the JSON Schema of each event into this package, and the AsyncAPI document to the path given.
Refuses a schema that would break programs written against the published one.
"""

import json
import sys
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from rollcall_events.asyncapi import render_asyncapi
from rollcall_events.catalogue import event_models, published_schema, schema_of, schemas_folder
from rollcall_events.compatibility import Change, breaking_changes
from rollcall_events.envelope import EventData
from rollcall_events.topics import topic_for


def changes_since_publication(
    model: type[EventData], folder: Traversable | None = None
) -> list[Change]:
    """List the breaking changes of a model against its published schema; none for a new event."""
    published = published_schema(model, folder)
    if published is None:
        return []
    direction = topic_for(model).direction
    return breaking_changes(published, schema_of(model), "in" if direction == "in" else "out")


def document(content: dict[str, Any]) -> str:
    """Write JSON as it is checked in."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def publish(asyncapi_file: Path, folder: Path) -> list[str]:
    """Write schemas into the folder and the AsyncAPI document, unless that breaks others.

    Gives the breaking changes that kept it from writing anything; empty when all is written.
    """
    broken = [
        f"{model.event_type}: {change}"
        for model in event_models()
        for change in changes_since_publication(model, folder)
    ]
    if not broken:
        for model in event_models():
            file = folder / f"{model.event_type}.json"
            file.write_text(document(schema_of(model)), encoding="utf-8")
        asyncapi_file.write_text(document(render_asyncapi()), encoding="utf-8")
    return broken


def main(asyncapi_file: Path) -> int:
    """Publish from a checkout; give 1 and tell why if that would break others."""
    broken = publish(asyncapi_file, Path(str(schemas_folder())))
    if broken:
        sys.stderr.write("\n".join(broken))
        sys.stderr.write("\nThese break others: add a model with the next version instead.\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
