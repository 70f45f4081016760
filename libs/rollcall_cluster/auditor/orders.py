"""What operators have changed, as the audit of the deployment says. Pure.

Every other fact is compared with what the service does by itself. What an operator's order changed is
taken back first (`Corrections`) or known for what it is (`Orders`), and judged by checks of its own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from rollcall.operations.positions import RECREATED

Place = tuple[str, int]
Row = dict[str, Any]

REPLAY_HEADER, CORRECTION_HEADER = "rollcall-replay", "rollcall-correction"
_CLAIM = (
    "file_upload_id",
    "original_file_name",
    "raw_file_storage_id",
    "file_size_bytes",
    "content_md5_hash",
    "validation_error_code",
    "validation_error_detail",
)


@dataclass(slots=True, frozen=True)
class PositionMove:
    """A position that an operator moved."""

    entry: int
    place: Place
    before: int
    after: int
    lost: str | None


@dataclass(slots=True, frozen=True)
class Publishing:
    """An order to publish marked events of a batch: which header they have, and how many there are."""

    entry: int
    header: str
    batch: bytes
    events: int
    at: float
    """When it was given, in seconds since 1970."""


@dataclass(slots=True, frozen=True)
class Reassignment:
    """A slot that an operator gave to another content."""

    entry: int
    batch_id: UUID
    position: int
    state: str
    """The slot's state before."""
    held: str | None
    """The content that it held before, or the file whose failure did."""
    content: str

    @property
    def slot(self) -> tuple[bytes, int]:
        """The slot's key."""
        return self.batch_id.bytes, self.position

    @property
    def displaced(self) -> tuple[bytes, str, str] | None:
        """The key of what became excess."""
        kind = {"filled": "content", "failed": "failure"}.get(self.state)
        return (self.batch_id.bytes, kind, self.held or "") if kind else None

    @property
    def winner(self) -> tuple[bytes, str, str]:
        """The key of what was excess."""
        return self.batch_id.bytes, "content", self.content


class Orders:
    """Entries of the audit, in the order in which they were written."""

    def __init__(self, rows: Iterable[Any] = ()) -> None:
        self.moves: list[PositionMove] = []
        self.publishing: list[Publishing] = []
        self.reassignments: list[Reassignment] = []
        for entry, at, action, subject, before, after in rows:
            self._take(entry, at, action, subject, orjson.loads(before), orjson.loads(after))

    def _take(
        self, entry: int, at: float, action: str, subject: str, before: Row, after: Row
    ) -> None:
        if action in ("replay-input", "reset-position"):
            topic, _, number = subject.rpartition("-")
            moved = (before["next_offset"], after["next_offset"])
            self.moves.append(PositionMove(entry, (topic, int(number)), *moved, after.get("lost")))
        elif action == "replay-output":
            batch = UUID(subject).bytes
            self.publishing.append(Publishing(entry, REPLAY_HEADER, batch, after["events"], at))
        elif action == "reassign":
            batch_id = UUID(subject.partition("/")[0])
            slot = before["slot"]
            held = slot["text_storage_id"] if slot["state"] == "filled" else slot["file_upload_id"]
            content = after["slot"]["text_storage_id"]
            self.reassignments.append(
                Reassignment(entry, batch_id, slot["position"], slot["state"], held, content)
            )
            events = 1 + (slot["state"] == "filled")
            self.publishing.append(Publishing(entry, CORRECTION_HEADER, batch_id.bytes, events, at))

    def newest_moves(self) -> dict[Place, int]:
        """The newest entry about each position that was moved."""
        return {move.place: move.entry for move in self.moves}

    def handled(self, positions: Mapping[Place, int]) -> dict[Place, int]:
        """Up to where each log was handled: also what was handled before a replay, and will be again."""
        highest: dict[Place, int] = {}
        for move in self.moves:
            highest[move.place] = 0 if move.lost else max(highest.get(move.place, 0), move.before)
        return {place: max(at, highest.get(place, 0)) for place, at in positions.items()}

    def furthest(self, positions: Mapping[Place, int]) -> dict[Place, int]:
        """The highest offset up to which each partition was ever handled, topics of before included."""
        highest: dict[Place, int] = defaultdict(int)
        for move in self.moves:
            highest[move.place] = max(highest[move.place], move.before)
        return {place: max(at, highest[place]) for place, at in positions.items()}

    @property
    def handled_again(self) -> list[tuple[Place, int, int]]:
        """Offsets of which records may have been handled more than once: first, and behind the last."""
        return [
            (move.place, min(move.after, move.before), move.before)
            for move in self.moves
            if move.lost in (None, RECREATED)
        ]

    @property
    def given_up(self) -> Counter[str]:
        """How many handled records at most, by topic, were in topics of before that an operator gave up."""
        handled: dict[Place, int] = defaultdict(int)
        found: Counter[str] = Counter()
        for move in self.moves:
            handled[move.place] = max(handled[move.place], move.before)
            if move.lost == RECREATED:
                found[move.place[0]] += handled[move.place]
        return found


class Corrections:
    """Takes reassignments back: slots, claims and counters as the service itself left them.

    Args:
        slots: the reassigned slots as they are now; `unplaced`: claims that were displaced or moved.
        purged: batches of which neither is left; their counters are.
    """

    def __init__(
        self,
        reassignments: Sequence[Reassignment],
        slots: Iterable[Mapping[str, Any]],
        unplaced: Iterable[Mapping[str, Any]],
        purged: Iterable[bytes],
    ) -> None:
        self._slots = {(row["batch"], row["position"]): dict(row) for row in slots}
        self._unplaced = {(r["batch"], r["kind"], r["identity"]): dict(r) for r in unplaced}
        self._gone: set[tuple[bytes, str, str]] = set()
        self._deltas: dict[bytes, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        gone = set(purged)
        self.in_place = {
            one.entry: self._take_back(one, purged=one.batch_id.bytes in gone)
            for one in reversed(reassignments)
        }

    def slot(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A slot as it was before."""
        return self._slots.get((row["batch"], row["position"]), row)

    def is_displaced(self, row: Mapping[str, Any]) -> bool:
        """Whether a claim has no slot by an order alone."""
        return (row["batch"], row["kind"], row["identity"]) in self._gone

    @property
    def moved(self) -> list[Row]:
        """Claims that have a slot by an order alone, as they were before: excess."""
        return [row for row in self._unplaced.values() if row.get("moved")]

    def batch(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A batch with its counters as they were before."""
        if (deltas := self._deltas.get(row["batch"])) is None:
            return row
        return dict(row) | {name: row[name] + delta for name, delta in deltas.items()}

    def _take_back(self, one: Reassignment, *, purged: bool) -> bool:
        """Undo one; False if slot and claims are not as it left them. Purged: counters are all there is."""
        if not purged and not self._put_back(one):
            return False
        deltas = self._deltas[one.batch_id.bytes]
        deltas["filled_count"] -= 1
        deltas[f"{one.state}_count"] += 1
        return True

    def _put_back(self, one: Reassignment) -> bool:
        slot = self._slots.get(one.slot)
        displaced = self._unplaced.get(one.displaced) if one.displaced else None
        if (
            slot is None
            or (slot["state"], slot["text_storage_id"]) != ("filled", one.content)
            or (one.displaced is not None and displaced is None)
            or one.winner in self._unplaced
        ):
            return False
        self._unplaced[one.winner] = self._excess(one, slot)
        nothing = dict.fromkeys((*_CLAIM, "text_storage_id"))
        self._slots[one.slot] = slot | nothing | {"state": one.state}
        if displaced is not None and one.displaced is not None:
            self._slots[one.slot] |= {name: displaced[name] for name in _CLAIM}
            if one.state == "filled":
                self._slots[one.slot]["text_storage_id"] = one.held
            del self._unplaced[one.displaced]
            self._gone.add(one.displaced)
        return True

    def _excess(self, one: Reassignment, slot: Row) -> Row:
        claim = {name: slot[name] for name in _CLAIM}
        batch, kind, identity = one.winner
        place = {"batch": batch, "kind": kind, "identity": identity, "outcome": "excess"}
        return place | claim | {"age_seconds": 0.0, "moved": True}
