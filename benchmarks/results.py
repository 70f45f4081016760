"""Raw results: one JSON file for each run of the program, kept beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

RESULTS = Path(__file__).parent / "results"

FULL, QUICK, CUSTOM = "full", "quick", "custom"
"""How much was measured: what a command measures by default, a look at it, or something else."""

_folder: ContextVar[Path] = ContextVar("results", default=RESULTS)
_sizes: ContextVar[str] = ContextVar("sizes", default=CUSTOM)


@contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Write results to another folder until the block ends."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


@contextmanager
def of_sizes(sizes: str) -> Iterator[None]:
    """Mark results as of these sizes until the block ends."""
    token = _sizes.set(sizes)
    try:
        yield
    finally:
        _sizes.reset(token)


def sizes_now() -> str:
    """The sizes of what is measured here."""
    return _sizes.get()


def write(name: str, content: dict[str, Any]) -> Path:
    """Write `<date>-<name>.json`, the date in UTC; returns the file."""
    now = datetime.now(UTC)
    folder = _folder.get()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{now:%Y-%m-%d-%H%M%S}-{name}.json"
    about = {"benchmark": name, "at": now.isoformat(timespec="seconds"), "sizes": _sizes.get()}
    raw = {**about, **content}
    file.write_bytes(orjson.dumps(raw, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return file


def newest(folder: Path = RESULTS, sizes: str = FULL) -> dict[str, dict[str, Any]]:
    """By benchmark, its newest file of these sizes that holds figures; without a mark, it is full."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.glob("*.json")):
        content = orjson.loads(file.read_bytes())
        if "figures" in content and content.get("sizes", FULL) == sizes:
            found[content["benchmark"]] = content | {"file": file.name}
    return found
