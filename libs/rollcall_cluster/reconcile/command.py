"""`rollcall reconcile`: after a restore, before replicas work again."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib import resources
from typing import Annotated, Any

import asyncpg
import typer

from essay_lifecycle_service import migrations_folders
from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall.database.pool import close_session
from rollcall.database.schema_version import check_schema
from rollcall.outbox.lane_position import LanePosition
from rollcall.outbox.producer import LaneProducer
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import OutboxStore
from rollcall.topology import Topology
from rollcall_cluster.auditor.errors import CannotAuditError
from rollcall_cluster.auditor.failures import failures_named
from rollcall_cluster.auditor.kafka_log import open_logs
from rollcall_cluster.purge.progress import Progress, shown_progress
from rollcall_cluster.reconcile.errors import ReconcileError
from rollcall_cluster.reconcile.reconciling import Reconciled, Reconciliation
from rollcall_events.topics import TOPICS

_LIMIT_SECONDS = 30.0


def reconcile_command(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; tell what would be written back.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write back into a restored database what Kafka holds from the time that it has forgotten.

    Run it after the database was restored to an earlier point, before replicas work again; they wait for
    it by themselves. Also after Kafka has lost the topic of lane positions: it writes them anew. One
    transaction: it is done as a whole or not at all, and may be repeated.

    Examples: rollcall reconcile --dry-run; rollcall reconcile
    """
    settings = EssayLifecycleSettings()
    try:
        with failures_named(), shown_progress() as progress:
            done = asyncio.run(reconcile(settings, progress, dry_run=dry_run))
    except CannotAuditError as error:
        raise ReconcileError(f"{error}; nothing was changed") from error
    if as_json:
        typer.echo(json.dumps(asdict(done) | {"dry_run": dry_run}, indent=2))
    else:
        typer.echo("\n".join(_told(done, dry_run)))


async def reconcile(
    settings: EssayLifecycleSettings, progress: Progress, *, dry_run: bool = False
) -> Reconciled:
    """Reconcile the deployment of `settings`.

    Raises:
        ReconcileError: it cannot be done; nothing was changed.
        CannotAuditError: a server gives no answer.
    """
    topology = Topology(TOPICS)
    names = [settings.topic(topic.name) for topic in TOPICS]
    connection = await _connect(settings)
    try:
        await check_schema(connection, settings.database_schema, migrations_folders())
        await OutboxStore().ensure_lanes(connection, settings.lanes)
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(_temporary_tables())
            async with open_logs(settings, names, _LIMIT_SECONDS) as logs:
                run = Reconciliation(settings, topology, connection, logs, progress)
                known = await run.known_lanes()
                in_kafka = await _fenced(settings, topology, known)
                lost = await run.lost_positions(known, in_kafka)
                done = await run.run(known, dict.fromkeys(known, 0) | in_kafka | lost)
                if not dry_run:
                    await _note(settings, topology, lost)
        except BaseException:
            await transaction.rollback()
            raise
        await (transaction.rollback() if dry_run else transaction.commit())
        return done
    finally:
        await close_session(connection)


async def _fenced(
    settings: EssayLifecycleSettings, topology: Topology, lanes: Iterable[int]
) -> dict[int, int]:
    """Where lanes stand in Kafka that have a position, once no former owner can publish any more."""
    found = {}
    for lane in lanes:
        producer = LaneProducer(settings, topology, lane, SegmentCodec())
        try:
            if position := await producer.open():
                found[lane] = position.seq
        finally:
            await producer.close()
    return found


async def _note(
    settings: EssayLifecycleSettings, topology: Topology, positions: Mapping[int, int]
) -> None:
    """Write positions that Kafka has lost."""
    for lane, seq in positions.items():
        producer = LaneProducer(settings, topology, lane, SegmentCodec())
        try:
            await producer.open()
            await producer.note(LanePosition(seq))
        finally:
            await producer.close()


async def _connect(settings: EssayLifecycleSettings) -> Any:
    return await asyncpg.connect(
        settings.postgres_dsn.get_secret_value(),
        timeout=settings.connect_timeout_seconds,
        server_settings={
            "application_name": "rollcall-reconcile",
            "search_path": settings.database_schema,
            "timezone": "UTC",
            "statement_timeout": "0",
            "idle_in_transaction_session_timeout": "0",
            "jit": "off",
        },
    )


def _temporary_tables() -> str:
    script = resources.files("rollcall_cluster.reconcile") / "told.sql"
    return script.read_text(encoding="utf-8")


def _told_of_orders(done: Reconciled) -> list[str]:
    told = [f"orders of operators that were announced: {done.orders}"] if done.orders else []
    return told + [
        f"batch {batch_id} was closed by hand, which was not announced: it is open again; repeat"
        f" `rollcall batch close {batch_id}`"
        for batch_id in done.closed_unannounced
    ]


def _told(done: Reconciled, dry_run: bool) -> list[str]:
    found = [
        f"position of lane {lane}, which Kafka had lost: {seq}, by the headers of what was published"
        for lane, seq in done.lane_positions.items()
    ]
    if not done.lanes:
        return found or ["the database knows all that Kafka holds: there is nothing to reconcile"]
    lanes = ", ".join(f"lane {lane}: {count}" for lane, count in done.lanes.items())
    return [
        *found,
        f"segments that Kafka held and the database did not know: {lanes}",
        f"{'would write' if dry_run else 'wrote'} back: {done.slots_filled} slots filled,"
        f" {done.slots_failed} failed, {done.slots_missing} missing; {done.excess} excess;"
        f" {done.batches_registered} batches registered, {done.batches_completed} completed;"
        f" {done.dead_letters} dead letters",
        f"segments dropped because they were published: {done.segments_dropped};"
        f" events added to half-published completions: {done.events_added}",
        *_told_of_orders(done),
        "replicas go on by themselves; then run `rollcall verify`",
    ]
