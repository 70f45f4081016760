"""Statements of the per-event service; each method runs on the connection it is given."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1

_INSERT_BATCH = """
INSERT INTO batch (batch_id, expected_count, open_count, course_code, essay_instructions, user_id,
                   correlation_id, registration_digest)
VALUES ($1, $2, $2, $3, $4, $5, $6, '')
ON CONFLICT DO NOTHING
RETURNING true
"""
_TAKE_SLOT = """
UPDATE slot SET state = 'filled', text_storage_id = $2, file_upload_id = $3, original_file_name = $4,
                raw_file_storage_id = $5, file_size_bytes = $6, content_md5_hash = $7,
                correlation_id = $8, taken_at = now()
WHERE batch_id = $1 AND position = (
    SELECT position FROM slot WHERE batch_id = $1 AND state = 'open'
    ORDER BY position LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING essay_id, position
"""
_COUNT_FILLED = """
UPDATE batch SET filled_count = filled_count + 1, open_count = open_count - 1,
                 state = CASE WHEN open_count = 1 THEN 'completed' ELSE state END,
                 completed_at = CASE WHEN open_count = 1 THEN now() END
WHERE batch_id = $1
RETURNING state = 'completed' AS complete, expected_count, course_code, essay_instructions, user_id,
          correlation_id
"""
_READY_ESSAYS = """
SELECT essay_id, text_storage_id FROM slot WHERE batch_id = $1 AND state = 'filled' ORDER BY position
"""
_INSERT_COMPLETION = "INSERT INTO completion (batch_id) VALUES ($1)"
_INSERT_EXCESS = """
INSERT INTO unplaced (batch_id, kind, identity, outcome, file_upload_id, original_file_name,
                      raw_file_storage_id, file_size_bytes, content_md5_hash, correlation_id)
VALUES ($1, 'content', $2, 'excess', $3, $4, $5, $6, $7, $8)
ON CONFLICT DO NOTHING
RETURNING true
"""
_INSERT_OUTBOX = "INSERT INTO outbox (topic, key, value) VALUES ($1, $2, $3)"
_UNSENT = """
SELECT id, topic, key, value FROM outbox WHERE sent_at IS NULL
ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_MARK_SENT = "UPDATE outbox SET sent_at = now() WHERE id = ANY($1::bigint[])"


async def insert_batch(
    connection: Any, registration: BatchEssaysRegisteredV1, correlation_id: UUID
) -> None:
    """Open a batch with its slots; a repetition changes nothing."""
    is_new = await connection.fetchval(
        _INSERT_BATCH,
        registration.batch_id,
        registration.expected_essay_count,
        registration.course_code,
        registration.essay_instructions,
        registration.user_id,
        correlation_id,
    )
    if is_new:
        await connection.copy_records_to_table(
            "slot",
            columns=("batch_id", "position", "essay_id"),
            records=[
                (registration.batch_id, position, essay_id)
                for position, essay_id in enumerate(registration.essay_ids)
            ],
        )


async def take_slot(
    connection: Any, content: EssayContentProvisionedV1, correlation_id: UUID
) -> Any:
    """Fill the lowest open slot; None if there is none.

    Raises:
        asyncpg.UniqueViolationError: the content holds a slot already.
    """
    return await connection.fetchrow(_TAKE_SLOT, *_columns(content, correlation_id))


async def count_filled(connection: Any, batch_id: UUID) -> Any:
    """Move the counters; the row says whether the batch is complete now."""
    return await connection.fetchrow(_COUNT_FILLED, batch_id)


async def insert_completion(connection: Any, batch_id: UUID) -> Sequence[Any]:
    """Record the completion; returns the essays that are ready."""
    await connection.execute(_INSERT_COMPLETION, batch_id)
    essays: Sequence[Any] = await connection.fetch(_READY_ESSAYS, batch_id)
    return essays


async def insert_excess(
    connection: Any, content: EssayContentProvisionedV1, correlation_id: UUID
) -> bool:
    """Keep a content without a slot; False if it was known."""
    return bool(await connection.fetchval(_INSERT_EXCESS, *_columns(content, correlation_id)))


async def insert_outbox(connection: Any, topic: str, key: bytes, value: bytes) -> None:
    """Have an event published once this transaction has committed."""
    await connection.execute(_INSERT_OUTBOX, topic, key, value)


async def lock_unsent(connection: Any, limit: int) -> Sequence[Any]:
    """The oldest events that no relay has sent or holds."""
    rows: Sequence[Any] = await connection.fetch(_UNSENT, limit)
    return rows


async def mark_sent(connection: Any, ids: Sequence[int]) -> None:
    """These events are in Kafka."""
    await connection.execute(_MARK_SENT, ids)


def _columns(content: EssayContentProvisionedV1, correlation_id: UUID) -> tuple[object, ...]:
    return (
        content.batch_id,
        content.text_storage_id,
        content.file_upload_id,
        content.original_file_name,
        content.raw_file_storage_id,
        content.file_size_bytes,
        content.content_md5_hash,
        correlation_id,
    )
