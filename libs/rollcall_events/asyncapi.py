"""Renders the topic registry as an AsyncAPI 3 document."""

from typing import Any

import pydantic_core
from pydantic.json_schema import models_json_schema

from rollcall_events.catalogue import event_models, golden_example
from rollcall_events.envelope import EventData
from rollcall_events.topics import TOPICS, Topic

CONTRACTS_VERSION = "1.0.0"
_SCHEMA_FORMAT = "application/schema+json;version=draft-07"
_KAFKA_BINDING = "0.5.0"
_ACTIONS = {"in": "receive", "out": "send"}


def render_asyncapi() -> dict[str, Any]:
    """Give the document of all public topics, as the essay lifecycle service uses them."""
    public = [topic for topic in TOPICS if topic.direction != "internal"]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rollcall: essay lifecycle service",
            "version": CONTRACTS_VERSION,
            "description": (
                "Content in, slots filled exactly once, completion out. Topics sent to are written"
                " in Kafka transactions: read them with isolation.level=read_committed. A deployment"
                " may put a prefix of its own before every address."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in public},
        "operations": {_operation_name(topic): _operation(topic) for topic in public},
        "components": _components(),
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "messages": {
            model.event_type: {"$ref": f"#/components/messages/{model.event_type}"}
            for model in topic.models
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup_policy],
                    "retention.ms": int(topic.config["retention.ms"]),
                    "max.message.bytes": topic.max_message_bytes,
                },
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _operation_name(topic: Topic) -> str:
    return f"{_ACTIONS[topic.direction]}.{topic.name}"


def _operation(topic: Topic) -> dict[str, Any]:
    return {
        "action": _ACTIONS[topic.direction],
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": " ".join(_summary(model) for model in topic.models),
        "messages": [
            {"$ref": f"#/channels/{topic.name}/messages/{model.event_type}"}
            for model in topic.models
        ],
    }


def _components() -> dict[str, Any]:
    models = event_models()
    envelopes, definitions = models_json_schema(
        [(model.envelope(), "validation") for model in models],
        ref_template="#/components/schemas/{model}",
    )
    keys = {model: topic.key for topic in TOPICS for model in topic.models}
    return {
        "messages": {
            model.event_type: _message(
                model, envelopes[model.envelope(), "validation"], key=keys[model]
            )
            for model in models
        },
        "schemas": definitions["$defs"],
    }


def _message(model: type[EventData], payload: dict[str, Any], key: str) -> dict[str, Any]:
    example = pydantic_core.from_json(golden_example(model))
    return {
        "name": model.event_type,
        "summary": _summary(model),
        "contentType": "application/json",
        "payload": {"schemaFormat": _SCHEMA_FORMAT, "schema": payload},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The record's {key}, as UTF-8."},
                "bindingVersion": _KAFKA_BINDING,
            }
        },
        "examples": [{"name": "golden", "payload": example}],
    }


def _summary(model: type[EventData]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]
