"""Inputs that are nearly right: a golden example with a few changes, drawn from a seed."""

import random
from collections.abc import Callable
from importlib import resources
from typing import Any

import orjson

from rollcall_events.topics import TOPICS

EXAMPLES = tuple(
    file.read_bytes()
    for file in sorted(resources.files("rollcall_events").joinpath("examples").iterdir(), key=str)
    if file.name.endswith(".json")
)
INPUTS = tuple(
    example
    for example in EXAMPLES
    if orjson.loads(example)["event_type"]
    in {model.event_type for topic in TOPICS if topic.direction == "in" for model in topic.models}
)
_VALUES: tuple[bytes, ...] = (
    *(b"null", b"true", b"0", b"-1", b"1.0", b"1e400", b"-0", b"NaN", b"Infinity", b"9" * 400),
    *(b'""', b'"\\u0000"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xed\xa0\x80"', b'"\xff"'),
    *(b"[]", b"{}", b"[[]]", b"[" * 3000, b'{"a":' * 300, b"18446744073709551616"),
    *(b'"' + b"x" * 256 + b'"', b'"2026-02-30T00:00:00Z"', b'"0001-01-01T00:00:00+23:59"'),
    *(b'"00000000-0000-0000-0000-000000000000"', b'"\xf0\x9f\x8e\x93"', b'"\\u0130"'),
    *(b'{"\\u0000":"a"}', b'{"\\ud800":1}', b'{"a":{"b":[1,2,{"c":null}]}}'),
)


def mutated(seed: int) -> bytes:
    """One input; the same for the same seed."""
    draw = random.Random(seed)
    value = draw.choice(INPUTS if draw.random() < 0.8 else EXAMPLES)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
        value = draw.choice(_CHANGES)(value, draw)
    return value


def _flip(value: bytes, draw: random.Random) -> bytes:
    if not value:
        return value
    at = draw.randrange(len(value))
    return value[:at] + bytes([draw.randrange(256)]) + value[at + 1 :]


def _cut(value: bytes, draw: random.Random) -> bytes:
    begin = draw.randrange(len(value) + 1)
    return value[:begin] + value[begin + draw.randrange(1, 40) :]


def _repeat(value: bytes, draw: random.Random) -> bytes:
    begin = draw.randrange(len(value) + 1)
    return value[:begin] + value[begin : begin + draw.randrange(1, 200)] + value[begin:]


def _insert(value: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(value) + 1)
    return value[:at] + draw.choice(_VALUES) + value[at:]


def _replace_field(value: bytes, draw: random.Random) -> bytes:
    """Another value for one field, however deep, in a document that stays well-formed around it."""
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        return _flip(value, draw)
    places = list(_places(document))
    if not places:
        return draw.choice(_VALUES)
    holder, name = draw.choice(places)
    holder[name] = "@here@"
    return orjson.dumps(document).replace(b'"@here@"', draw.choice(_VALUES))


def _rename_field(value: bytes, draw: random.Random) -> bytes:
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        return _cut(value, draw)
    places = [(holder, name) for holder, name in _places(document) if isinstance(holder, dict)]
    if places:
        holder, name = draw.choice(places)
        holder[draw.choice(("", "\0", "data", "a" * 300, "\x85", "event_type"))] = holder.pop(name)
    return orjson.dumps(document)


def _places(document: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    left = [document]
    while left:
        holder = left.pop()
        if isinstance(holder, dict | list):
            names = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            found += [(holder, name) for name in names]
            left += [holder[name] for name in names]
    return found


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip,
    _cut,
    _repeat,
    _insert,
    _replace_field,
    _replace_field,
    _replace_field,
    _rename_field,
)
