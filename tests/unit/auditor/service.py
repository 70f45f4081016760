"""A correct service in memory, and what it leaves behind."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from rollcall_events import (
    BatchEssaysRegisteredV1,
    DeadlinePolicy,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
    ExcessReason,
)
from rollcall_events.topics import topic_for
from tests.unit.auditor.events import (
    assigned,
    completion,
    content,
    excess,
    failure,
    letter,
    registration,
    timeout,
)
from tests.unit.auditor.world import GROUP, NOW, SPACE, Record, Row, World, batch_named, encoded

FULL = batch_named("full")
FAILED = batch_named("failed")
OPEN = batch_named("open")
UNKNOWN = batch_named("unknown")
KEPT_OPEN = batch_named("kept open")
PARTIAL = batch_named("partial")
CLOSED = batch_named("closed")
PURGED = batch_named("purged")
DEADLINE_SECONDS = 3600


class Service:
    """What a correct service would do to the world, one record after the other."""

    def __init__(self, world: World) -> None:
        self._world = world

    def open(self, batch: UUID, essays: int, policy: DeadlinePolicy | None = None) -> None:
        """Open a batch with its slots; with a deadline if there is a policy."""
        data = _registration(batch, essays, policy)
        self._world.take_in(data)
        self._world.tables["batch"].append(_batch_row(data))
        self._world.tables["slot"].extend(_slot_row(data, n) for n in range(essays))

    def register(self, batch: UUID, essays: int, policy: DeadlinePolicy | None = None) -> None:
        """Open a batch, unless it is open already; place what waited for it."""
        if self._is_open(batch):
            self._world.take_in(_registration(batch, essays, policy))
            return
        self.open(batch, essays, policy)
        unplaced = self._world.tables["unplaced"]
        for row in [row for row in unplaced if row["batch_id"] == batch]:
            unplaced.remove(row)
            self._place(batch, row["kind"], row["identity"], _claim(row))

    def provide(self, data: EssayContentProvisionedV1) -> None:
        """Give a content its slot, or keep it; once."""
        self._world.take_in(data)
        claim = data.model_dump(exclude={"batch_id", "text_storage_id"})
        if not self._is_known(data.batch_id, "content", data.text_storage_id):
            self._place(data.batch_id, "content", data.text_storage_id, claim)

    def fail(self, data: EssayValidationFailedV1) -> None:
        """Give a failure its slot, or keep it; once."""
        self._world.take_in(data)
        claim = data.model_dump(mode="json", exclude={"batch_id"})
        if not self._is_known(data.batch_id, "failure", data.file_upload_id):
            self._place(data.batch_id, "failure", data.file_upload_id, claim)

    def _place(self, batch: UUID, kind: str, identity: str, claim: Row) -> None:
        slot = self._open_slot(batch)
        if slot and kind == "content":
            slot |= claim | {"state": "filled", "text_storage_id": identity}
            self._world.announce(assigned(slot), identity)
            self._count(batch, "filled_count")
        elif slot:
            slot |= claim | {"state": "failed"}
            self._count(batch, "failed_count")
        else:
            self._keep(batch, kind, identity, claim)

    def time_out(self, batch: UUID) -> None:
        """Let the deadline of a batch pass, if it has one and slots are open."""
        rows = [row for row in self._world.tables["batch"] if row["batch_id"] == batch]
        row = rows[0] if rows else {"deadline_at": None}
        if not row["deadline_at"] or row["timed_out_at"] or not row["open_count"]:
            return
        row["timed_out_at"] = row["deadline_at"]
        if row["deadline_policy"] != DeadlinePolicy.KEEP_OPEN:
            row |= {"missing_count": row["open_count"], "open_count": 0}
            for slot in self._slots(batch):
                slot["state"] = "missing" if slot["state"] == "open" else slot["state"]
        self._world.announce(timeout(self._world, batch))
        if row["deadline_policy"] == DeadlinePolicy.CLOSE:
            row |= {"state": "closed", "closed_at": NOW}
        if row["deadline_policy"] == DeadlinePolicy.COMPLETE_PARTIAL:
            self._complete(batch)

    def purge(self, batch: UUID) -> None:
        """Keep the row of a batch that has ended, and nothing else."""
        tables = self._world.tables
        ended = [r for r in tables["batch"] if r["batch_id"] == batch and r["state"] != "open"]
        for row in ended:
            row |= {"purged_at": NOW, "essay_instructions": "", "user_id": ""}
            for name in ("slot", "unplaced", "completion"):
                tables[name] = [other for other in tables[name] if other["batch_id"] != batch]

    def _slots(self, batch: UUID) -> list[Row]:
        return [slot for slot in self._world.tables["slot"] if slot["batch_id"] == batch]

    def bury(self, record: Record, state: str = "dead") -> None:
        """Make a record a dead letter."""
        self._world.tables["dead_letter"].append(
            {
                "consumer_group": GROUP,
                "topic": self._world.prefix + record.topic,
                "partition": record.partition,
                "record_offset": record.offset,
                "error_type": "malformed",
                "error_message": "broken",
                "instance_id": "test",
                "state": state,
            }
        )
        self._world.announce(letter(self._world, record))

    def _open_slot(self, batch: UUID) -> Row | None:
        slots = self._world.tables["slot"]
        return next((s for s in slots if s["batch_id"] == batch and s["state"] == "open"), None)

    def _count(self, batch: UUID, counter: str) -> None:
        row = self._world.row("batch", batch_id=batch)
        row[counter] += 1
        row["open_count"] -= 1
        if row["open_count"] == 0:
            self._complete(batch)

    def _complete(self, batch: UUID) -> None:
        row = self._world.row("batch", batch_id=batch)
        row |= {"state": "completed", "completed_at": NOW}
        self._world.tables["completion"].append({"batch_id": batch})
        for event in completion(self._world, batch):
            self._world.announce(event)

    def _keep(self, batch: UUID, kind: str, identity: str, claim: Row) -> None:
        outcome = "excess" if self._is_open(batch) else "pending"
        row = unplaced_row(batch, kind, identity, outcome, **claim)
        self._world.tables["unplaced"].append(row)
        if (kind, outcome) == ("content", "excess"):
            self._world.announce(excess(row, self._reason(batch)), identity)

    def _reason(self, batch: UUID) -> ExcessReason:
        row = self._world.row("batch", batch_id=batch)
        closed = row["missing_count"] or row["purged_at"]
        return ExcessReason.BATCH_CLOSED if closed else ExcessReason.NO_AVAILABLE_SLOT

    def _is_open(self, batch: UUID) -> bool:
        return any(row["batch_id"] == batch for row in self._world.tables["batch"])

    def _is_known(self, batch: UUID, kind: str, identity: str) -> bool:
        taken = {"content": ("filled", "text_storage_id"), "failure": ("failed", "file_upload_id")}
        state, column = taken[kind]
        key = (batch, kind, identity)
        return any(
            (slot["batch_id"], slot["state"], slot[column]) == (batch, state, identity)
            for slot in self._world.tables["slot"]
        ) or any(
            (row["batch_id"], row["kind"], row["identity"]) == key
            for row in self._world.tables["unplaced"]
        )


_CLAIM = (
    "file_upload_id",
    "original_file_name",
    "raw_file_storage_id",
    "file_size_bytes",
    "content_md5_hash",
    "validation_error_code",
    "validation_error_detail",
)


def _claim(row: Row) -> Row:
    return {column: row[column] for column in _CLAIM}


def _registration(
    batch: UUID, essays: int, policy: DeadlinePolicy | None
) -> BatchEssaysRegisteredV1:
    if policy is None:
        return registration(batch, essays)
    deadline = {"readiness_deadline_seconds": DEADLINE_SECONDS, "deadline_policy": policy}
    return registration(batch, essays, **deadline)


def _batch_row(data: BatchEssaysRegisteredV1) -> Row:
    seconds, policy = data.readiness_deadline_seconds, data.deadline_policy
    return {
        "batch_id": data.batch_id,
        "expected_count": data.expected_essay_count,
        "open_count": data.expected_essay_count,
        "filled_count": 0,
        "failed_count": 0,
        "missing_count": 0,
        "state": "open",
        "course_code": data.course_code,
        "essay_instructions": data.essay_instructions,
        "user_id": data.user_id,
        "correlation_id": SPACE,
        "registration_digest": b"",
        "registered_at": NOW,
        "completed_at": None,
        "deadline_at": NOW + timedelta(seconds=seconds) if seconds else None,
        "deadline_policy": policy.value if policy else None,
        "timed_out_at": None,
        "closed_at": None,
        "purged_at": None,
    }


def _slot_row(data: BatchEssaysRegisteredV1, position: int) -> Row:
    return {
        "batch_id": data.batch_id,
        "position": position,
        "essay_id": data.essay_ids[position],
        "state": "open",
        "text_storage_id": None,
        "file_upload_id": None,
        "original_file_name": None,
        "raw_file_storage_id": None,
        "file_size_bytes": None,
        "content_md5_hash": None,
        "validation_error_code": None,
        "validation_error_detail": None,
    }


def unplaced_row(batch: UUID, kind: str, identity: str, outcome: str, **claim: Any) -> Row:
    """A row of `unplaced`."""
    return {
        "batch_id": batch,
        "kind": kind,
        "identity": identity,
        "outcome": outcome,
        "content_md5_hash": None,
        "validation_error_code": None,
        "validation_error_detail": None,
        "correlation_id": SPACE,
        "first_seen_at": NOW - timedelta(hours=1),
    } | claim


def clean_world(prefix: str = "") -> World:
    """Full, failed, open and unregistered batches, excess, repetitions, every sort of bad record.

    `World.finish` has to follow, when everything is in place.
    """
    world = World(prefix)
    service = Service(world)
    service.provide(content(FULL, "one"))
    service.register(FULL, 3)
    for text in ("two", "three", "two", "four", "five", "four"):
        service.provide(content(FULL, text))
    world.take_in(content(FULL, "two"), key=None)
    service.register(FULL, 3)
    service.bury(world.take_in(registration(FULL, 3, course_code="other")))
    service.register(FAILED, 3)
    service.provide(content(FAILED, "one"))
    service.fail(failure(FAILED, "broken"))
    service.fail(failure(FAILED, "broken"))
    service.provide(content(FAILED, "six", file_upload_id="broken", content_md5_hash=None))
    service.fail(failure(FAILED, "late"))
    service.register(OPEN, 3)
    service.provide(content(OPEN, "seven"))
    service.provide(content(UNKNOWN, "early"))
    service.fail(failure(UNKNOWN, "early"))
    _deadlines(service)
    _purged(service)
    _bad_records(world, service)
    return world


def _deadlines(service: Service) -> None:
    policies = {KEPT_OPEN: "keep_open", PARTIAL: "complete_partial", CLOSED: "close"}
    for batch, policy in policies.items():
        service.register(batch, 3, DeadlinePolicy(policy))
        service.provide(content(batch, "one"))
        service.time_out(batch)
        service.provide(content(batch, "late"))
        service.fail(failure(batch, "late"))


def _purged(service: Service) -> None:
    service.register(PURGED, 1)
    service.provide(content(PURGED, "one"))
    service.provide(content(PURGED, "two"))
    service.purge(PURGED)
    service.provide(content(PURGED, "one"))
    service.register(PURGED, 1)


def _bad_records(world: World, service: Service) -> None:
    topic = topic_for(EssayContentProvisionedV1).name
    sound = encoded(content(FULL, "never"))
    world.append(topic, b"any", sound.replace(b"EssayContentProvisionedV1", b"SomethingElseV9"))
    for value in (
        b"not json",
        b"[]",
        b"\xff\xfe",
        sound.replace(b'"schema_version":1', b'"schema_version":2'),
        sound.replace(b'"file_size_bytes":100', b'"file_size_bytes":"many"'),
        sound + b" " * 1_100_000,
        b"",
        None,
    ):
        service.bury(world.append(topic, b"any", value))
    # Sound, but no handler could take it; another that went through when it was sent again.
    service.bury(world.take_in(content(FULL, "poison")))
    service.bury(world.take_in(content(OPEN, "redriven")), state="redriven")
    service.provide(content(OPEN, "redriven"))
