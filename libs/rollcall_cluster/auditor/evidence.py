"""Tells people about the subjects of checks: names, and where each was seen."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from rollcall_cluster.auditor.check import Key, Subject
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.report import Place, Sighting
from rollcall_cluster.auditor.scratch import Scratch
from rollcall_cluster.auditor.sighting import Kind, Source

# Sightings told of one subject; one duplicated twenty thousand times has more.
_TOLD = 6

_SIGHTINGS = """
SELECT w.batch, w.kind, w.identity, s.source, s.log, s.place
FROM sighting s CROSS JOIN wanted w
WHERE s.batch = w.batch AND s.kind = w.kind AND s.identity = w.identity
ORDER BY s.source
"""
_ANNOUNCEMENTS = """
SELECT a.batch, a.model, a.log, a.place FROM announcement a CROSS JOIN wanted_batch w USING (batch)
"""
_PUBLICATIONS = """
SELECT p.lane, p.rank, p.log, p.place FROM publication p CROSS JOIN wanted_place w USING (lane, rank)
"""


class EvidenceRoom:
    """Looks up evidence in the scratch database, all keys of one check in a single pass."""

    def __init__(self, logbook: Logbook) -> None:
        self._logbook = logbook

    def contents(self, scratch: Scratch, keys: Sequence[Key]) -> list[Subject]:
        """Keys: batch, kind, identity."""
        scratch.replace("wanted", keys)
        seen: dict[Key, list[Sighting]] = defaultdict(list)
        for *key, source, log, place in scratch.rows(_SIGHTINGS):
            seen[tuple(key)].append(self._sighting(Source(source), log, place))
        return [
            (f"{_WORDS[Kind(kind)]} {identity} of batch {UUID(bytes=batch)}", _told(seen[key]))
            for key in keys
            for batch, kind, identity in [key]
        ]

    def batches(self, scratch: Scratch, keys: Sequence[Key]) -> list[Subject]:
        """Keys: batch."""
        scratch.replace("wanted_batch", keys)
        seen: dict[bytes, list[Sighting]] = defaultdict(list)
        for batch, model, log, place in scratch.rows(_ANNOUNCEMENTS):
            seen[batch].append(Sighting(seen=f"{model}:", place=self._logbook.place(log, place)))
        return [(f"batch {UUID(bytes=batch)}", _told(seen[batch])) for (batch,) in keys]

    def registrations(self, scratch: Scratch, keys: Sequence[Key]) -> list[Subject]:
        """Keys: batch, log, offset."""
        return [
            (f"registration of batch {UUID(bytes=batch)}", self._record(log, place))
            for batch, log, place in keys
        ]

    def records(self, scratch: Scratch, keys: Sequence[Key]) -> list[Subject]:
        """Keys: log, offset; the log is unknown for a record of no topic of ours."""
        return [
            (str(self._logbook.place(log, place)), self._record(log, place))
            if log is not None
            else (f"offset {place} of an unknown partition", ())
            for log, place in keys
        ]

    def partitions(self, scratch: Scratch, keys: Sequence[Key]) -> list[Subject]:
        """Keys: topic, partition."""
        return [(f"{topic}-{partition}", ()) for topic, partition in keys]

    def lanes(self, scratch: Scratch, keys: Sequence[Key]) -> list[Subject]:
        """Keys: lane."""
        return [(f"lane {lane}", ()) for (lane,) in keys]

    def publications(self, scratch: Scratch, keys: Sequence[Key]) -> list[Subject]:
        """Keys: lane, rank, header value."""
        scratch.replace("wanted_place", [key[:2] for key in keys])
        seen: dict[Key, list[Sighting]] = defaultdict(list)
        for lane, rank, log, place in scratch.rows(_PUBLICATIONS):
            seen[(lane, rank)].extend(self._record(log, place))
        return [(f"lane-seq {header}", _told(seen[(lane, rank)])) for lane, rank, header in keys]

    def orders(self, scratch: Scratch, keys: Sequence[Key]) -> list[Subject]:
        """Keys: entry of the audit, batch."""
        return [(f"order {entry} about batch {UUID(bytes=batch)}", ()) for entry, batch in keys]

    def _sighting(self, source: Source, log: int | None, place: int | None) -> Sighting:
        if log is not None and place is not None:
            return Sighting(seen=source.words, place=self._logbook.place(log, place))
        return Sighting(seen=source.words if place is None else f"{source.words} {place}")

    def _record(self, log: int, place: int) -> tuple[Sighting, ...]:
        record: Place = self._logbook.place(log, place)
        return (Sighting(seen="record", place=record),)


def _told(sightings: Sequence[Sighting]) -> tuple[Sighting, ...]:
    rest = len(sightings) - _TOLD
    more = (Sighting(seen=f"and {rest} more"),) if rest > 0 else ()
    return (*sightings[:_TOLD], *more)


_WORDS = {Kind.CONTENT: "content", Kind.FAILURE: "failure of file"}
