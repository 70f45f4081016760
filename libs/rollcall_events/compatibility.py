"""Tells which changes of an event's JSON Schema break the programs written against the old one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Schema = Mapping[str, Any]
Direction = Literal["in", "out"]

_RETYPED_BY = ("type", "format", "const")
_LOWER_BOUNDS = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
_UPPER_BOUNDS = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")


@dataclass(frozen=True, slots=True)
class Change:
    """One breaking change: where (dotted path of fields, `[]` for items), and what."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


def breaking_changes(old: Schema, new: Schema, direction: Direction) -> list[Change]:
    """List what breaks in going from `old` to `new`; empty if nothing does.

    Removing or retyping a field always breaks. For events we take ("in"), so does anything that
    refuses what was valid: a new required field, a tighter bound, a narrowed enum. For events we
    send ("out"), so does anything that lets through what was not: a field that may now be missing
    or null, a looser bound, a new enum value.
    """
    return list(_compare(_Place("", old, new, direction), old, new))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the two documents a comparison stands."""

    path: str
    old_document: Schema
    new_document: Schema
    direction: Direction

    def within(self, name: str) -> "_Place":
        path = f"{self.path}.{name}" if self.path and name != "[]" else self.path + name
        return _Place(path, self.old_document, self.new_document, self.direction)

    def changed(self, what: str, old: object, new: object) -> Change:
        return Change(self.path or "(event)", f"{what} {old!r} -> {new!r}")


def _compare(place: _Place, old: Schema, new: Schema) -> Iterator[Change]:
    old, old_nullable = _resolve(old, place.old_document)
    new, new_nullable = _resolve(new, place.new_document)
    yield from _retypings(place, old, new)
    if _narrows(place, old_nullable, new_nullable):
        yield place.changed("may be null:", old_nullable, new_nullable)
    yield from _value_changes(place, old, new)
    yield from _property_changes(place, old, new)
    if "items" in old and "items" in new:
        yield from _compare(place.within("[]"), old["items"], new["items"])


def _resolve(schema: Schema, document: Schema) -> tuple[Schema, bool]:
    """Follow references and take `X or null` apart into X and whether it may be null."""
    nullable = False
    while True:
        if "$ref" in schema:
            schema = document["$defs"][schema["$ref"].rpartition("/")[2]]
            continue
        choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
        if len(choices) != 1:
            return schema, nullable
        nullable = nullable or len(schema["anyOf"]) > 1
        schema = choices[0]


def _retypings(place: _Place, old: Schema, new: Schema) -> Iterator[Change]:
    for keyword in _RETYPED_BY:
        if old.get(keyword) != new.get(keyword):
            yield place.changed(keyword, old.get(keyword), new.get(keyword))
    if old.get("anyOf") != new.get("anyOf"):
        yield place.changed("alternatives", old.get("anyOf"), new.get("anyOf"))


def _narrows(place: _Place, old_takes: bool, new_takes: bool) -> bool:
    """Say whether the side that must stay at least as open as the other no longer is."""
    return (
        (old_takes and not new_takes) if place.direction == "in" else (new_takes and not old_takes)
    )


def _value_changes(place: _Place, old: Schema, new: Schema) -> Iterator[Change]:
    source, target = (old, new) if place.direction == "in" else (new, old)
    for keyword in (*_LOWER_BOUNDS, *_UPPER_BOUNDS):
        if _tighter(keyword, source.get(keyword), target.get(keyword)):
            yield place.changed(keyword, old.get(keyword), new.get(keyword))
    if "pattern" in target and target["pattern"] != source.get("pattern"):
        yield place.changed("pattern", old.get("pattern"), new.get("pattern"))
    if "enum" in target and not set(source.get("enum", [...])) <= set(target["enum"]):
        yield place.changed("values", old.get("enum"), new.get("enum"))


def _tighter(keyword: str, source: float | None, target: float | None) -> bool:
    if target is None:
        return False
    if source is None:
        return True
    return target > source if keyword in _LOWER_BOUNDS else target < source


def _property_changes(place: _Place, old: Schema, new: Schema) -> Iterator[Change]:
    old_fields, new_fields = old.get("properties", {}), new.get("properties", {})
    for name in old_fields:
        if name not in new_fields:
            yield Change(place.within(name).path, "removed")
        else:
            yield from _compare(place.within(name), old_fields[name], new_fields[name])
    old_required, new_required = set(old.get("required", ())), set(new.get("required", ()))
    if place.direction == "in":
        for name in sorted(new_required - old_required):
            yield Change(place.within(name).path, "became required")
    else:
        for name in sorted((old_required - new_required) & set(new_fields)):
            yield Change(place.within(name).path, "is no longer always present")
