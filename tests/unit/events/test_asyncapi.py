"""The AsyncAPI document is current, well-formed, and agrees with its own examples."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from rollcall_events.asyncapi import render_asyncapi
from rollcall_events.publish import document
from rollcall_events.topics import TOPICS

DOCUMENT_FILE = Path(__file__).parents[3] / "docs" / "asyncapi.json"
REFERENCE = {
    "type": "object",
    "required": ["$ref"],
    "additionalProperties": False,
    "properties": {"$ref": {"type": "string", "pattern": "^#/"}},
}
# The rules of the AsyncAPI 3.0.0 schema that concern the objects we render.
ASYNCAPI_RULES: dict[str, Any] = {
    "type": "object",
    "required": ["asyncapi", "info"],
    "additionalProperties": False,
    "properties": {
        "asyncapi": {"const": "3.0.0"},
        "info": {
            "type": "object",
            "required": ["title", "version"],
            "properties": {"license": {"type": "object", "required": ["name"]}},
        },
        "defaultContentType": {"type": "string"},
        "channels": {
            "additionalProperties": {
                "type": "object",
                "required": ["address", "messages"],
                "additionalProperties": False,
                "properties": {
                    "address": {"type": "string"},
                    "messages": {"additionalProperties": REFERENCE},
                    "bindings": {
                        "properties": {
                            "kafka": {
                                "additionalProperties": False,
                                "properties": {
                                    "topic": {"type": "string"},
                                    "partitions": {"type": "integer", "minimum": 1},
                                    "topicConfiguration": {
                                        "properties": {
                                            "cleanup.policy": {
                                                "type": "array",
                                                "items": {"enum": ["compact", "delete"]},
                                            },
                                            "retention.ms": {"type": "integer", "minimum": -1},
                                            "max.message.bytes": {"type": "integer"},
                                        }
                                    },
                                    "bindingVersion": {"enum": ["0.5.0"]},
                                },
                            }
                        }
                    },
                },
            }
        },
        "operations": {
            "additionalProperties": {
                "type": "object",
                "required": ["action", "channel"],
                "additionalProperties": False,
                "properties": {
                    "action": {"enum": ["send", "receive"]},
                    "channel": REFERENCE,
                    "summary": {"type": "string"},
                    "messages": {"type": "array", "items": REFERENCE},
                },
            }
        },
        "components": {
            "additionalProperties": False,
            "properties": {
                "messages": {
                    "additionalProperties": {
                        "required": ["name", "payload"],
                        "properties": {
                            "payload": {
                                "required": ["schemaFormat", "schema"],
                                "additionalProperties": False,
                                "properties": {"schemaFormat": {"type": "string"}, "schema": {}},
                            },
                            "examples": {"type": "array", "items": {"required": ["payload"]}},
                        },
                    }
                },
                "schemas": {"additionalProperties": {"type": "object"}},
            },
        },
    },
}


@pytest.fixture(scope="module")
def rendered() -> dict[str, Any]:
    return render_asyncapi()


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def test_checked_in_document_is_current(rendered: dict[str, Any]) -> None:
    """The document is what the registry renders.

    If not: `python -m rollcall_events.publish docs/asyncapi.json`.
    """
    assert DOCUMENT_FILE.read_text(encoding="utf-8") == document(rendered)


def test_document_keeps_the_rules_of_asyncapi(rendered: dict[str, Any]) -> None:
    """Objects stand where AsyncAPI 3 wants them, with the fields it requires and no others."""
    jsonschema.Draft7Validator(ASYNCAPI_RULES).validate(rendered)


def test_every_reference_leads_somewhere(rendered: dict[str, Any]) -> None:
    """No reference dangles."""
    found = set(references(rendered))
    assert found
    for reference in found:
        node: Any = rendered
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_public_topic_has_channel_and_operation(rendered: dict[str, Any]) -> None:
    """All topics but internal ones are told, with what we do on them."""
    public = {topic.name for topic in TOPICS if topic.direction != "internal"}
    told = {
        one["channel"]["$ref"].removeprefix("#/channels/")
        for one in rendered["operations"].values()
    }
    assert set(rendered["channels"]) == told == public


def test_examples_are_valid_by_their_own_schemas(rendered: dict[str, Any]) -> None:
    """A reader who validates our examples with our schemas finds them right, and broken ones wrong."""
    for message in rendered["components"]["messages"].values():
        schema = message["payload"]["schema"] | {"components": rendered["components"]}
        validator = jsonschema.Draft7Validator(schema)
        example = message["examples"][0]["payload"]
        validator.validate(example)
        broken = example | {"schema_version": 2}
        assert not validator.is_valid(broken)


def test_document_is_plain_json(rendered: dict[str, Any]) -> None:
    """What is written can be read by any JSON reader."""
    assert orjson.loads(document(rendered)) == rendered
