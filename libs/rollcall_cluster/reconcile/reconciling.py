"""Makes a restored database agree with Kafka, in one transaction, while no replica works.

Kafka holds events of a time that the database has forgotten, and consumers have acted on them. Handling the
input again would give other contents those slots. So what was announced is written back into the
database first; what was not announced happens anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from essay_lifecycle_service.domain.announcements import CompletedBatch, completion
from essay_lifecycle_service.domain.deadline import DeadlineDefaults
from essay_lifecycle_service.domain.registration import Registration
from essay_lifecycle_service.settings import EssayLifecycleSettings
from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.slots import SlotStore
from rollcall.outbox.buffer import OutboxBuffer
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import LaneRange, OutboxStore
from rollcall.topology import Topology
from rollcall_cluster.auditor.kafka_log import KafkaLogs
from rollcall_cluster.purge.progress import Progress
from rollcall_cluster.reconcile.errors import ReconcileError
from rollcall_cluster.reconcile.failures import fail_slots
from rollcall_cluster.reconcile.inputs import UnhandledInput
from rollcall_cluster.reconcile.orders import LostOrders
from rollcall_cluster.reconcile.positions import lost_positions
from rollcall_cluster.reconcile.published import PublishedReader
from rollcall_cluster.reconcile.segments import drop_published
from rollcall_cluster.reconcile.statements import Statements


@dataclass(slots=True)
class Reconciled:
    """What was written back."""

    lanes: dict[int, int] = field(default_factory=dict)
    """Segments by lane that Kafka held and the database did not know."""
    batches_registered: int = 0
    slots_filled: int = 0
    slots_failed: int = 0
    slots_missing: int = 0
    excess: int = 0
    batches_completed: int = 0
    dead_letters: int = 0
    segments_dropped: int = 0
    """Segments that were published already."""
    events_added: int = 0
    """The rest of completions of which a part was published."""
    orders: int = 0
    """Operators' orders that were announced: carried out again, and in the audit again."""
    lane_positions: dict[int, int] = field(default_factory=dict)
    """Positions of lanes that Kafka had lost, as its logs tell them."""
    closed_unannounced: list[str] = field(default_factory=list)
    """Batches that an operator had closed after their timeout; nothing was published of it: open again."""


class Reconciliation:
    """One run, on a connection with an open transaction."""

    def __init__(
        self,
        settings: EssayLifecycleSettings,
        topology: Topology,
        connection: Any,
        logs: KafkaLogs,
        progress: Progress,
    ) -> None:
        self._settings = settings
        self._topology = topology
        self._connection = connection
        self._logs = logs
        self._progress = progress
        self._batches = BatchStore()
        self._slots = SlotStore()
        self._codec = SegmentCodec()
        self._statements = Statements(connection)
        self._done = Reconciled()

    async def known_lanes(self) -> dict[int, LaneRange]:
        """Take every lane's lock; returns what the database knows of each.

        Raises:
            ReconcileError: a replica works.
        """
        rows = await self._statements.fetch("own_lanes")
        if held := [row["lane"] for row in rows if not row["locked"]]:
            raise ReconcileError(
                f"replicas publish lanes {held}: stop every replica, then reconcile again"
            )
        return {row["lane"]: LaneRange(row["last_seq"], row["published_seq"]) for row in rows}

    async def lost_positions(
        self, known: Mapping[int, LaneRange], in_kafka: Mapping[int, int]
    ) -> dict[int, int]:
        """Positions of lanes that have to be written into Kafka again, because it has lost them."""
        self._done.lane_positions = await lost_positions(
            self._statements, self._logs, self._settings.topic_prefix, known, in_kafka
        )
        return self._done.lane_positions

    async def run(self, known: Mapping[int, LaneRange], in_kafka: Mapping[int, int]) -> Reconciled:
        """Write back what was published behind the numbers in `known`.

        Raises:
            ReconcileError: it cannot be done; the transaction must be rolled back.
        """
        behind = {
            lane: known[lane].last_seq
            for lane, seq in in_kafka.items()
            if seq > known[lane].last_seq
        }
        self._done.lanes = {lane: in_kafka[lane] - last for lane, last in behind.items()}
        if not behind:
            return self._done
        await self._read_published(behind)
        await self._register()
        await self._require_agreement()
        await self._statements.execute("ended_by_hand")
        await self._statements.execute("remember")
        await self._place()
        self._done.slots_failed = await fail_slots(self._statements, await self._input())
        await self._statements.execute("count")
        self._done.batches_completed = await self._statements.execute("complete")
        self._done.dead_letters = await self._statements.execute(
            "mourn", self._settings.consumer_group
        )
        for lane in behind:
            self._done.segments_dropped += await drop_published(
                self._statements, self._codec, lane, in_kafka[lane]
            )
        await self._finish_completions(len(known))
        orders = LostOrders(self._statements, self._settings.consumer_group)
        self._done.orders = await orders.write_back()
        self._done.closed_unannounced = await orders.unannounced_closes()
        await self._statements.execute("new_life", self._settings.consumer_group)
        return self._done

    async def _read_published(self, behind: Mapping[int, int]) -> None:
        group = self._settings.consumer_group
        (row,) = await self._statements.fetch("age", group)
        age_seconds = float("inf") if row[0] is None else float(row[0])
        reader = PublishedReader(self._logs, self._connection, behind, age_seconds, group)
        await reader.read(self._settings.topic_prefix, self._progress)

    async def _input(self) -> UnhandledInput:
        rows = await self._statements.fetch("positions", self._settings.consumer_group)
        positions = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        prefix, limit = self._settings.topic_prefix, self._settings.record_max_bytes
        return UnhandledInput(self._logs, prefix, positions, limit)

    async def _register(self) -> None:
        """Register the batches that were registered after the restored moment and announced since."""
        wanted = {row["batch_id"] for row in await self._statements.fetch("unknown_batches")}
        if not wanted:
            return
        found: dict[UUID, Registration] = {}
        async for registration, record in (await self._input()).registrations(wanted):
            batch_id = registration.batch_id
            dead = await self._statements.value("is_dead", *record.partition, record.offset)
            if batch_id not in found and not dead and await self._fits(registration):
                found[batch_id] = registration
        if lost := sorted(wanted - found.keys()):
            raise ReconcileError(
                f"{len(lost)} batches are announced and registered nowhere, {lost[0]} for example: the"
                " input was removed by retention; restore a newer copy of the database"
            )
        settings = self._settings
        defaults = DeadlineDefaults(settings.batch_deadline_seconds, settings.batch_deadline_policy)
        await self._batches.insert(self._connection, list(found.values()), defaults)
        await self._slots.insert(self._connection, (one.event for one in found.values()))
        self._done.batches_registered = len(found)

    async def _fits(self, registration: Registration) -> bool:
        """Whether this is the registration that the announcements of its batch speak of."""
        essays = registration.event.essay_ids
        told = await self._statements.fetch("slots_told", registration.batch_id)
        return all(position < len(essays) and essays[position] == essay for position, essay in told)

    async def _require_agreement(self) -> None:
        if found := [row["found"] for row in await self._statements.fetch("contradictions")]:
            raise ReconcileError(
                "the database contradicts what was published, so replicas have worked on it since it"
                f" was restored: {'; '.join(found)}. Restore it again with every replica stopped, then"
                " reconcile"
            )

    async def _place(self) -> None:
        self._done.slots_filled = await self._statements.execute("fill")
        await self._statements.execute("place")
        self._done.excess = await self._statements.execute("exceed")
        self._done.slots_missing = await self._statements.execute("miss")

    async def _finish_completions(self, lanes: int) -> None:
        """Announce the rest where Kafka's transactions ended in the middle of a completion."""
        outbox = OutboxBuffer(
            self._connection,
            OutboxStore(),
            self._codec,
            self._topology,
            lanes,
            self._settings.service_name,
        )
        for batch_id, told in await self._statements.fetch("half_told"):
            row = await self._batches.registration(self._connection, batch_id)
            batch = CompletedBatch(batch_id, **row)
            async for slots in self._slots.of_batch(self._connection, batch_id):
                batch.add(slots)
            events = [e for e in completion(batch) if e.data.event_type not in told]
            await outbox.publish(events)
        await outbox.flush()
        self._done.events_added = outbox.published
