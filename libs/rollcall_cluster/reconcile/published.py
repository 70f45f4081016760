"""Reads what was published after the moment that a database was restored to, into its transaction."""

from base64 import b64decode
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from aiokafka import TopicPartition

from rollcall.operations.runner import CORRECTION_HEADER, REPLAY_HEADER
from rollcall.outbox.publication import LANE_SEQ_HEADER
from rollcall_cluster.auditor.kafka_log import KafkaLogs, LogRange
from rollcall_cluster.purge.progress import Progress
from rollcall_cluster.reconcile.errors import ReconcileError
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchReadinessTimeoutV1,
    BatchValidationErrorsV1,
    DeadLetterV1,
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
    ExcessReason,
)
from rollcall_events.topics import TOPICS, Topic

FIRST_LOOK_BACK = 2_000
FARTHER = 4

Rows = dict[str, list[tuple[Any, ...]]]


class PublishedReader:
    """Reads the output logs backwards, until every lane is seen at a number that the database knows.

    Args:
        behind: lanes of which Kafka holds more, with the newest number that the database knows.
        age_seconds: about how long ago the moment lies that the database was restored to.
    """

    def __init__(
        self,
        logs: KafkaLogs,
        connection: Any,
        behind: Mapping[int, int],
        age_seconds: float,
        consumer_group: str,
    ) -> None:
        self._logs = logs
        self._connection = connection
        self._behind = behind
        self._age_seconds = age_seconds
        self._group = consumer_group

    async def read(self, topic_prefix: str, progress: Progress) -> None:
        """Fill the tables of told.sql.

        Raises:
            ReconcileError: retention may have removed some of it.
        """
        outputs = {t.prefixed(topic_prefix): t for t in TOPICS if t.direction == "out"}
        partitions = self._logs.partitions(outputs)
        starts = await self._logs.starts(partitions)
        ends = await self._logs.settled_ends(partitions)
        progress.begin(len(partitions))
        for partition in partitions:
            log = LogRange(starts[partition], ends[partition])
            await self._read_back(partition, outputs[partition.topic], log)
            progress.advance(1)

    async def _read_back(self, partition: TopicPartition, topic: Topic, log: LogRange) -> None:
        missing, end, look_back = set(self._behind), log.end, FIRST_LOOK_BACK
        while missing and end > log.start:
            first = max(log.start, end - look_back)
            async for batch in self._logs.read({partition: LogRange(first, end)}):
                rows: Rows = defaultdict(list)
                for record in batch.records:
                    lane, seq = lane_and_seq(record.headers)
                    if seq > self._behind.get(lane, seq):
                        _take(topic, record, self._group, rows)
                    else:
                        missing.discard(lane)
                for table, table_rows in rows.items():
                    await self._connection.copy_records_to_table(table, records=table_rows)
            end, look_back = first, look_back * FARTHER
        if missing and log.start > 0:
            self._require_kept(partition, topic)

    def _require_kept(self, partition: TopicPartition, topic: Topic) -> None:
        """The log's start was reached: what was removed must be older than the restored moment."""
        kept_seconds = (topic.retention_hours or 0) * 3600
        if kept_seconds and self._age_seconds > kept_seconds:
            raise ReconcileError(
                f"{partition.topic}-{partition.partition}: events from after the moment that the"
                " database was restored to may have been removed by retention; restore a newer copy"
            )


def lane_and_seq(headers: Any) -> tuple[int, int]:
    """The lane that published a record, and the number of its segment; (-1, 0): no lane did."""
    for name, value in headers:
        if name == LANE_SEQ_HEADER:
            lane, seq, _ = value.split(b":")
            return int(lane), int(seq)
    return -1, 0


def _take(topic: Topic, record: Any, group: str, rows: Rows) -> None:
    model = topic.models[0]
    envelope = model.envelope().model_validate_json(record.value)
    data, correlation_id, stamp = envelope.data, envelope.correlation_id, envelope.event_timestamp
    if (mark := mark_of(record.headers)) is not None:
        rows["told_mark"].append((*mark, envelope.event_id, *_moved(data), stamp))
        return
    rows["told_id"].append((envelope.event_id,))
    match data:
        case EssaySlotAssignedV1():
            place = (data.batch_id, data.slot_position, data.essay_id)
            rows["told_slot"].append((*place, *_content(data), correlation_id, stamp))
        case ExcessContentProvisionedV1():
            rows["told_excess"].append(
                (data.batch_id, *_content(data), correlation_id, stamp, _batch_ended(data))
            )
        case BatchContentProvisioningCompletedV1():
            missing = list(data.missing_essay_ids)
            rows["told_end"].append((data.batch_id, model.event_type, stamp, missing))
        case BatchEssaysReadyV1():
            rows["told_end"].append((data.batch_id, model.event_type, stamp, []))
        case BatchValidationErrorsV1():
            rows["told_end"].append((data.batch_id, model.event_type, stamp, []))
            rows["told_failure"] += [
                (data.batch_id, error.essay_id, error.file_upload_id) for error in data.errors
            ]
        case BatchReadinessTimeoutV1():
            missing = list(data.missing_essay_ids)
            rows["told_timeout"].append(
                (data.batch_id, data.timed_out_at, data.policy, missing, False)
            )
        case DeadLetterV1() if data.consumer_group == group:
            rows["told_letter"].append(_letter(data))


def mark_of(headers: Any) -> tuple[int, str] | None:
    """The order that had a record published, and the header that says so; None: nobody ordered it."""
    for name, value in headers:
        if name in (REPLAY_HEADER, CORRECTION_HEADER):
            return int(value), name
    return None


def _moved(data: Any) -> tuple[UUID, str | None, str | None]:
    """Its batch; of a content that got a slot, also the slot's essay and the content."""
    if isinstance(data, EssaySlotAssignedV1):
        return data.batch_id, data.essay_id, data.text_storage_id
    return data.batch_id, None, None


def _batch_ended(data: ExcessContentProvisionedV1) -> bool:
    return data.reason is ExcessReason.BATCH_CLOSED


def _content(data: EssaySlotAssignedV1 | ExcessContentProvisionedV1) -> tuple[Any, ...]:
    return (
        data.text_storage_id,
        data.file_upload_id,
        data.original_file_name,
        data.raw_file_storage_id,
        data.file_size_bytes,
        data.content_md5_hash,
    )


def _letter(data: DeadLetterV1) -> tuple[Any, ...]:
    headers = [[header.name, header.value_base64] for header in data.headers]
    return (
        data.origin_topic,
        data.origin_partition,
        data.origin_offset,
        _bytes(data.key_base64),
        _bytes(data.value_base64),
        orjson.dumps(headers).decode(),
        data.error_type,
        data.error_message,
        data.stack_fingerprint,
        data.attempts,
        data.instance_id,
        data.first_seen_at,
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
