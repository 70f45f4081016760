"""Publishing refuses what would break others."""

from pathlib import Path

import orjson

from rollcall_events.publish import publish


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("*.json")}


def test_publishing_twice_changes_nothing(tmp_path: Path) -> None:
    """Publishing writes a schema for each event and the document, the same each time."""
    assert publish(tmp_path / "asyncapi.json", tmp_path) == []
    first = contents(tmp_path)
    assert len(first) == 11
    assert publish(tmp_path / "asyncapi.json", tmp_path) == []
    assert contents(tmp_path) == first


def test_breaking_change_is_refused(tmp_path: Path) -> None:
    """If readers were promised a field that the model lacks, nothing is written."""
    publish(tmp_path / "asyncapi.json", tmp_path)
    file = tmp_path / "EssaySlotAssignedV1.json"
    promised = orjson.loads(file.read_bytes())
    promised["$defs"]["EssaySlotAssignedV1"]["properties"]["room"] = {"type": "string"}
    file.write_bytes(orjson.dumps(promised))
    before = contents(tmp_path)
    assert publish(tmp_path / "asyncapi.json", tmp_path) == [
        "EssaySlotAssignedV1: data.room: removed"
    ]
    assert contents(tmp_path) == before
