"""Raw results: one JSON file for each run of the program, kept beside it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

RESULTS = Path(__file__).parent / "results"


def write(name: str, content: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write `<date>-<name>.json`, the date in UTC; returns the file."""
    now = datetime.now(UTC)
    folder.mkdir(exist_ok=True)
    file = folder / f"{now:%Y-%m-%d-%H%M%S}-{name}.json"
    raw = {"benchmark": name, "at": now.isoformat(timespec="seconds"), **content}
    file.write_bytes(orjson.dumps(raw, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return file
