"""A correct service in memory."""

from uuid import UUID

from rollcall_events import (
    DeadlinePolicy,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
    ExcessReason,
)
from tests.unit.auditor.events import (
    assigned,
    completion,
    excess,
    letter,
    timeout,
)
from tests.unit.auditor.rows import batch_row, claim_of, registered, slot_row, unplaced_row
from tests.unit.auditor.world import GROUP, NOW, Record, Row, World


class Service:
    """What a correct service would do to the world, one record after the other."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._displaced: set[str] = set()

    def open(self, batch: UUID, essays: int, policy: DeadlinePolicy | None = None) -> None:
        """Open a batch with its slots; with a deadline if there is a policy."""
        data = registered(batch, essays, policy)
        self._world.take_in(data)
        self._world.tables["batch"].append(batch_row(data))
        self._world.tables["slot"].extend(slot_row(data, n) for n in range(essays))

    def register(self, batch: UUID, essays: int, policy: DeadlinePolicy | None = None) -> None:
        """Open a batch, unless it is open already; place what waited for it."""
        if self._is_open(batch):
            self._world.take_in(registered(batch, essays, policy))
            return
        self.open(batch, essays, policy)
        unplaced = self._world.tables["unplaced"]
        for row in [row for row in unplaced if row["batch_id"] == batch]:
            unplaced.remove(row)
            self._place(batch, row["kind"], row["identity"], claim_of(row))

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

    def force(self, batch: UUID, state: str) -> None:
        """End an open batch by hand: complete it with what is there, or close it."""
        rows = [
            r for r in self._world.tables["batch"] if r["batch_id"] == batch and r["open_count"]
        ]
        for row in rows:
            row |= {"missing_count": row["open_count"], "open_count": 0, "forced_at": NOW}
            for slot in self._slots(batch):
                slot["state"] = "missing" if slot["state"] == "open" else slot["state"]
            if state == "completed":
                self._complete(batch)
                continue
            row |= {"state": "closed", "closed_at": NOW}
            if not row["timed_out_at"]:
                policy = row["deadline_policy"]
                row["deadline_policy"] = "close"
                self._world.announce(timeout(self._world, batch))
                row["deadline_policy"] = policy

    def reassign(self, batch: UUID) -> None:
        """Give the first slot of a completed batch that was not moved before to an excess content."""
        tables = self._world.tables
        rows = [r for r in tables["batch"] if (r["batch_id"], r["state"]) == (batch, "completed")]
        moved = {row["subject"] for row in tables["operator_audit"]}
        excess_rows = [
            row
            for row in tables["unplaced"]
            if (row["batch_id"], row["kind"]) == (batch, "content")
            and row["identity"] not in self._displaced
        ]
        slots = [s for s in self._slots(batch) if f"{batch}/{s['essay_id']}" not in moved]
        if rows and excess_rows and slots:
            self._exchange(rows[0], slots[0], excess_rows[0])

    def _exchange(self, row: Row, slot: Row, winner: Row) -> None:
        batch, state, content = row["batch_id"], slot["state"], winner["identity"]
        columns = ("position", "state", "text_storage_id", "file_upload_id")
        before = {name: slot[name] for name in columns}
        self._world.tables["unplaced"].remove(winner)
        held = slot["text_storage_id"] if state == "filled" else slot["file_upload_id"]
        displaced = None
        if state != "missing":
            kind = "content" if state == "filled" else "failure"
            displaced = unplaced_row(batch, kind, held, "excess", **claim_of(slot))
            self._world.tables["unplaced"].append(displaced)
            self._displaced.add(held)
        slot |= claim_of(winner) | {"state": "filled", "text_storage_id": content}
        row[f"{state}_count"] -= 1
        row["filled_count"] += 1
        after = {name: slot[name] for name in columns}
        entry = self._world.order(
            "reassign", f"{batch}/{slot['essay_id']}", {"slot": before}, {"slot": after}
        )
        mark = ("rollcall-correction", entry)
        self._world.announce(assigned(slot), content, mark=mark)
        if displaced and state == "filled":
            self._world.announce(excess(displaced, self._reason(batch)), held, mark=mark)

    def replay(self, batch: UUID) -> None:
        """Announce the filled slots and the completion of a batch once more."""
        rows = [r for r in self._world.tables["batch"] if r["batch_id"] == batch]
        if not rows or rows[0]["purged_at"]:
            return
        filled = [slot for slot in self._slots(batch) if slot["state"] == "filled"]
        whole = completion(self._world, batch) if rows[0]["state"] == "completed" else []
        events = {"events": len(filled) + len(whole)}
        mark = ("rollcall-replay", self._world.order("replay-output", str(batch), {}, events))
        for slot in filled:
            self._world.announce(assigned(slot), slot["text_storage_id"], mark=mark)
        for event in whole:
            self._world.announce(event, mark=mark)

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
