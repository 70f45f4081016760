"""Lines of the replicas' logs: read, followed, chosen by correlation id, told for people. Pure, but for files."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

_POLL_SECONDS = 0.2
_SHOWN_APART = ("correlation_id", "timestamp", "level", "event", "service", "instance", "exception")


class Line(NamedTuple):
    """A line with the name of who wrote it."""

    writer: str
    text: str

    @property
    def fields(self) -> dict[str, Any] | None:
        """What a structured line says; None for one that is not."""
        if not self.text.startswith("{"):
            return None
        try:
            found = json.loads(self.text)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


def all_lines(files: Mapping[str, Path], ends: Mapping[str, int]) -> Iterator[Line]:
    """Every line up to `ends`, in bytes, file after file; a line at a time in memory."""
    for writer, file in files.items():
        if not file.exists():
            continue
        with file.open("rb") as log:
            while log.tell() < ends[writer]:
                yield Line(writer, log.readline().decode(errors="replace").rstrip("\n"))


def new_lines(files: Mapping[str, Path], ends: dict[str, int]) -> Iterator[list[Line]]:
    """Whole lines as they are written, for ever: at each look, those of all files."""
    while True:
        yield [line for writer in files for line in _appended(writer, files[writer], ends)]
        time.sleep(_POLL_SECONDS)


def _appended(writer: str, file: Path, ends: dict[str, int]) -> Iterator[Line]:
    if not file.exists():
        return
    with file.open("rb") as log:
        log.seek(ends[writer])
        for line in log:
            if not line.endswith(b"\n"):
                return
            ends[writer] += len(line)
            yield Line(writer, line.decode(errors="replace").rstrip("\n"))


def of_correlation(lines: Iterable[Line], correlation_id: str) -> list[Line]:
    """The lines that one correlation id is about, whoever wrote them, by time."""
    found = [
        (str(fields.get("timestamp", "")), line)
        for line in lines
        if correlation_id in line.text
        and (fields := line.fields) is not None
        and fields.get("correlation_id") == correlation_id
    ]
    return [line for _, line in sorted(found, key=lambda pair: pair[0])]


def told(line: Line, *, as_json: bool) -> str:
    """A line as JSON with its writer, or as it stands behind the writer's name."""
    if not as_json:
        return f"{line.writer} | {line.text}"
    fields = line.fields
    return json.dumps(
        {"writer": line.writer, **({"text": line.text} if fields is None else fields)}
    )


def told_in_columns(line: Line) -> str:
    """A structured line for people: time, writer, level, event, then what else it says."""
    fields = line.fields or {}
    rest = " ".join(f"{name}={value}" for name, value in fields.items() if name not in _SHOWN_APART)
    at = str(fields.get("timestamp", ""))[:23].replace("T", " ")
    head = f"{at:23}  {line.writer:6}  {fields.get('level', ''):8}  {fields.get('event', '')}"
    ending = f"\n{fields['exception']}" if "exception" in fields else ""
    return f"{head}  {rest}".rstrip() + ending
