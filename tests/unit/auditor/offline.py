"""Judges a world without servers: its records and rows go straight into a scratch database."""

import json
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

from rollcall_cluster.auditor.input_facts import InputFacts
from rollcall_cluster.auditor.log_facts import handled_again_rows, publishing_rows
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.orders import Corrections, Orders
from rollcall_cluster.auditor.output_facts import OutputFacts
from rollcall_cluster.auditor.report import CheckResult
from rollcall_cluster.auditor.roll import RollCall, slot_sighting, unplaced_sighting
from rollcall_cluster.auditor.scratch import Scratch
from rollcall_cluster.auditor.snapshot_facts import batch_row, pending_rows, reassignment_rows
from rollcall_cluster.auditor.verdicts import judge
from rollcall_events.topics import TOPICS
from tests.unit.auditor.world import GROUP, NOW, PARTITIONS, Record, World

FACTS = {
    "sweep_seconds": 0.0,
    "outputs": 0,
    **{f"{name}_input_gone": 0 for name in ("registration", "content", "failure")},
    **{
        f"{name}_{fact}": 0
        for name in ("assigned", "excess", "dead_letters", "completion", "timeout", "marked")
        for fact in ("gone", "until")
    },
}
FAR = 10**9
_LANES = "els.relay.positions.v1"


class Offline:
    """One judgement. The world's prefix is empty."""

    def __init__(self, world: World, early_end: int = FAR) -> None:
        self._world = world
        self._early_end = early_end
        self._scratch = Scratch(Path(":memory:"))
        self._logbook = Logbook("", [(t.name, n) for t in TOPICS for n in range(PARTITIONS)])

    def judge(self, rest_expected: bool = True, **facts: float) -> dict[str, CheckResult]:
        """Results by code."""
        self._take_tables()
        self._take_logs()
        self._scratch.run("joins.sql")
        results = judge(
            self._scratch,
            self._logbook,
            FACTS | facts,
            rest_expected=rest_expected,
            max_examples=5,
        )
        self._scratch.close()
        return {result.code: result for result in results}

    def _take_tables(self) -> None:
        tables = defaultdict(list)
        tables |= {
            name: [
                {k: v.bytes if k == "batch_id" else v for k, v in row.items()}
                | ({"batch": row["batch_id"].bytes} if "batch_id" in row else {})
                for row in rows
            ]
            for name, rows in self._world.tables.items()
        }
        orders = self._orders()
        corrections = self._corrections(orders, tables)
        self._scratch.insert("handled_again", handled_again_rows(self._logbook, orders))
        self._scratch.insert("publishing_order", publishing_rows(orders))
        rows = reassignment_rows(orders.reassignments, corrections)
        self._scratch.insert("reassignment", rows)
        roll = RollCall()
        slots = sorted(
            map(corrections.slot, tables["slot"]),
            key=lambda slot: (slot["batch"], slot["position"]),
        )
        self._scratch.insert("roll", [*roll.take(slots), *roll.finish()])
        dated = [slot | {"at": _seconds(slot.get("taken_at"))} for slot in slots]
        self._scratch.insert("sighting", filter(None, map(slot_sighting, dated)))
        kept = [row for row in tables["unplaced"] if not corrections.is_displaced(row)]
        unplaced = [row | {"age_seconds": 3600.0} for row in [*kept, *corrections.moved]]
        self._scratch.insert("sighting", map(unplaced_sighting, unplaced))
        self._scratch.insert("pending", pending_rows(unplaced))
        self._scratch.insert("batch", map(_batch_row, map(corrections.batch, tables["batch"])))
        self._scratch.insert("completion", [(row["batch"],) for row in tables["completion"]])
        self._scratch.insert("dead_letter", map(self._letter, tables["dead_letter"]))
        self._scratch.insert("position", map(self._position, tables["position"]))
        self._scratch.insert("lane", map(self._lane, tables["lane"]))

    def _orders(self) -> Orders:
        columns = ("action", "subject", "before", "after")
        rows = self._world.tables["operator_audit"]
        at = NOW.timestamp()
        return Orders((n, at, *(row[c] for c in columns)) for n, row in enumerate(rows, 1))

    @staticmethod
    def _corrections(orders: Orders, tables: dict) -> Corrections:
        slots = {one.slot for one in orders.reassignments}
        claims = {key for one in orders.reassignments for key in (one.winner, one.displaced)}
        return Corrections(
            orders.reassignments,
            [row for row in tables["slot"] if (row["batch"], row["position"]) in slots],
            [r for r in tables["unplaced"] if (r["batch"], r["kind"], r["identity"]) in claims],
            [row["batch"] for row in tables["batch"] if row["purged_at"]],
        )

    def _letter(self, row: dict) -> tuple:
        log = self._logbook.number(row["topic"], row["partition"])
        return (log, row["record_offset"], row["state"], NOW.timestamp())

    def _position(self, row: dict) -> tuple:
        key = (row["topic"], row["partition"])
        end = self._world.offsets[key]
        told = (row["next_offset"], 0, end, False, False)
        furthest = self._orders().furthest({key: row["next_offset"]})[key]
        return (*key, self._logbook.number(*key), *told, furthest)

    def _lane(self, row: dict) -> tuple:
        lane = row["lane"]
        noted = [r.value for r in self._world.records if (r.topic, r.partition) == (_LANES, lane)]
        published = json.loads(noted[-1] or b"{}")["seq"] if noted else None
        left = sum(segment["lane"] == lane for segment in self._world.tables["segment"])
        known = (row["last_seq"], row["published_seq"])
        return (lane, *known, published, published, left, left)

    def _take_logs(self) -> None:
        dead = {(r["topic"], r["partition"], r["record_offset"]) for r in self._letters()}
        for (topic, partition), records in self._by_partition().items():
            model, log = self._logbook.topics[topic].models[0], self._number(topic, partition)
            if self._logbook.topics[topic].direction == "in":
                offsets = {o for t, p, o in dead if (t, p) == (topic, partition)}
                rows = InputFacts(model, log, 1_048_576).rows(records, offsets)
            else:
                facts = OutputFacts(model, log, self._early_end, GROUP, self._logbook)
                rows = facts.rows(records)
            for table, table_rows in rows.items():
                self._scratch.insert(table, table_rows)

    def _letters(self) -> list[dict]:
        return self._world.tables["dead_letter"]

    def _by_partition(self) -> dict[tuple[str, int], list[Record]]:
        found = defaultdict(list)
        for record in sorted(self._world.records, key=lambda record: record.offset):
            if record.topic != _LANES:
                found[(record.topic, record.partition)].append(record)
        return found

    def _number(self, topic: str, partition: int) -> int:
        number = self._logbook.number(topic, partition)
        assert number is not None
        return number


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _batch_row(row: dict) -> tuple:
    given = row["deadline_at"] - row["registered_at"] if row["deadline_at"] else timedelta()
    return batch_row(row | {"deadline_seconds": given.total_seconds()})
