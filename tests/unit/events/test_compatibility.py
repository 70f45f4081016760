"""Contracts may grow; they may not break those who rely on them."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from rollcall_events import EssayContentProvisionedV1, EssaySlotAssignedV1, EventData
from rollcall_events.catalogue import event_models, schema_of
from rollcall_events.compatibility import breaking_changes
from rollcall_events.publish import changes_since_publication

Edit = Callable[[dict[str, Any], dict[str, Any]], object]
"""Changes the schema of the data, given its fields and the whole of it."""


def edited(model: type[EventData], edit: Edit) -> dict[str, Any]:
    schema = copy.deepcopy(schema_of(model))
    data = schema["$defs"][model.event_type]
    edit(data["properties"], data)
    return schema


def changes_of_input(edit: Edit) -> list[str]:
    model = EssayContentProvisionedV1
    return [str(c) for c in breaking_changes(schema_of(model), edited(model, edit), "in")]


def changes_of_output(edit: Edit) -> list[str]:
    model = EssaySlotAssignedV1
    return [str(c) for c in breaking_changes(schema_of(model), edited(model, edit), "out")]


@pytest.mark.parametrize("model", event_models(), ids=lambda model: model.event_type)
def test_models_keep_their_published_promises(model: type[EventData]) -> None:
    """No model breaks the schema that was published for it."""
    assert [str(change) for change in changes_since_publication(model)] == []


def test_optional_field_may_be_added() -> None:
    """Growing is free, for what we take and for what we send."""

    def add(fields: dict[str, Any], _: dict[str, Any]) -> None:
        fields["page_count"] = {"type": "integer", "default": 0}

    assert changes_of_input(add) == []
    assert changes_of_output(add) == []


def test_required_field_may_be_added_to_what_we_send_only() -> None:
    """A new required field refuses the events of producers that do not know it."""

    def add(fields: dict[str, Any], data: dict[str, Any]) -> None:
        fields["page_count"] = {"type": "integer"}
        data["required"].append("page_count")

    assert changes_of_input(add) == ["data.page_count: became required"]
    assert changes_of_output(add) == []


def test_removed_field_breaks() -> None:
    """A field that is gone is missed by somebody."""

    def remove(fields: dict[str, Any], data: dict[str, Any]) -> None:
        del fields["text_storage_id"]
        data["required"].remove("text_storage_id")

    assert changes_of_input(remove) == ["data.text_storage_id: removed"]
    assert changes_of_output(remove) == ["data.text_storage_id: removed"]


@pytest.mark.parametrize(
    ("field", "new", "said"),
    [
        ("file_size_bytes", {"type": "string"}, "data.file_size_bytes: type 'integer' -> 'string'"),
        ("batch_id", {"type": "string"}, "data.batch_id: format 'uuid' -> None"),
        (
            "content_md5_hash",
            {"type": "integer"},
            "data.content_md5_hash: type 'string' -> 'integer'",
        ),
        ("text_storage_id", {"type": "array"}, "data.text_storage_id: type 'string' -> 'array'"),
    ],
)
def test_retyped_field_breaks(field: str, new: dict[str, Any], said: str) -> None:
    """A field of another type breaks whoever reads or writes it."""

    def retype(fields: dict[str, Any], _: dict[str, Any]) -> None:
        fields[field] = new

    assert said in changes_of_input(retype)
    assert said in changes_of_output(retype)


def test_tighter_bound_breaks_inputs_and_looser_bound_outputs() -> None:
    """What was valid must stay valid on the way in; what is sent must stay within what was said."""

    def tighten(fields: dict[str, Any], _: dict[str, Any]) -> None:
        fields["text_storage_id"]["maxLength"] = 100

    def loosen(fields: dict[str, Any], _: dict[str, Any]) -> None:
        fields["text_storage_id"]["maxLength"] = 1_000

    assert changes_of_input(tighten) == ["data.text_storage_id: maxLength 255 -> 100"]
    assert changes_of_input(loosen) == []
    assert changes_of_output(tighten) == []
    assert changes_of_output(loosen) == ["data.text_storage_id: maxLength 255 -> 1000"]


def test_null_and_absence() -> None:
    """Null may not be taken away from inputs, nor come upon readers of outputs."""

    def forbid_null(fields: dict[str, Any], _: dict[str, Any]) -> None:
        fields["content_md5_hash"] = fields["content_md5_hash"]["anyOf"][0]

    def permit_null(fields: dict[str, Any], _: dict[str, Any]) -> None:
        fields["text_storage_id"] = {"anyOf": [fields["text_storage_id"], {"type": "null"}]}

    def permit_absence(_: dict[str, Any], data: dict[str, Any]) -> None:
        data["required"].remove("text_storage_id")

    assert changes_of_input(forbid_null) == ["data.content_md5_hash: may be null: True -> False"]
    assert changes_of_input(permit_null) == changes_of_input(permit_absence) == []
    assert changes_of_output(forbid_null) == []
    assert changes_of_output(permit_null) == ["data.text_storage_id: may be null: False -> True"]
    assert changes_of_output(permit_absence) == [
        "data.text_storage_id: is no longer always present"
    ]


def _enum(*values: str) -> dict[str, Any]:
    return {"properties": {"code": {"type": "string", "enum": list(values)}}}


def test_enum_may_not_narrow_on_the_way_in_nor_widen_on_the_way_out() -> None:
    """A closed set is a promise to senders that all are taken, to readers that there is no other."""
    one, two = _enum("A"), _enum("A", "B")
    assert breaking_changes(one, two, "in") == []
    assert breaking_changes(two, one, "out") == []
    assert [str(c) for c in breaking_changes(two, one, "in")] == [
        "code: values ['A', 'B'] -> ['A']"
    ]
    assert [str(c) for c in breaking_changes(one, two, "out")] == [
        "code: values ['A'] -> ['A', 'B']"
    ]


def test_items_of_lists_are_compared() -> None:
    """A change deep inside a list is found, with its path."""
    old = {"properties": {"list": {"type": "array", "items": {"$ref": "#/$defs/X"}}}}
    old["$defs"] = {"X": {"type": "object", "properties": {"a": {"type": "string"}}}}
    new = copy.deepcopy(old)
    new["$defs"]["X"]["properties"]["a"] = {"type": "integer"}
    found = [str(change) for change in breaking_changes(old, new, "in")]
    assert found == ["list[].a: type 'string' -> 'integer'"]


def test_another_version_of_the_same_event_breaks() -> None:
    """A version is not raised in place: the next one is a model of its own."""
    schema = schema_of(EssaySlotAssignedV1)
    raised = copy.deepcopy(schema)
    raised["properties"]["schema_version"]["const"] = 2
    found = [str(change) for change in breaking_changes(schema, raised, "out")]
    assert found == ["schema_version: const 1 -> 2"]
