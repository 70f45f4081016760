-- name: waiting_batches
-- Batches for which something is pending, those first for which it has waited longest.
SELECT u.batch_id, b.state, b.open_count, count(*) AS pending, min(u.first_seen_at) AS oldest_at,
       extract(epoch FROM now() - min(u.first_seen_at))::float8 AS oldest_seconds
FROM unplaced u LEFT JOIN batch b USING (batch_id)
WHERE u.outcome = 'pending'
GROUP BY u.batch_id, b.state, b.open_count
ORDER BY min(u.first_seen_at), u.batch_id
LIMIT $1

-- name: waiting_claims
-- What is pending for one batch, what has waited longest first.
SELECT kind, identity, file_upload_id, first_seen_at,
       extract(epoch FROM now() - first_seen_at)::float8 AS age_seconds
FROM unplaced WHERE batch_id = $1 AND outcome = 'pending'
ORDER BY first_seen_at, kind, identity
LIMIT $2

-- name: counts
-- A batch as an operator sees it before and after an order.
SELECT b.state, b.expected_count AS expected, b.open_count AS open, b.filled_count AS filled,
       b.failed_count AS failed, b.missing_count AS missing,
       (SELECT count(*) FROM unplaced u WHERE u.batch_id = b.batch_id AND outcome = 'pending') AS pending,
       (SELECT count(*) FROM unplaced u WHERE u.batch_id = b.batch_id AND outcome = 'excess') AS excess
FROM batch b WHERE b.batch_id = $1

-- name: lock
-- The row of a batch, locked: nobody counts its slots until this transaction ends.
SELECT batch_id, state, correlation_id, expected_count, filled_count, failed_count, missing_count,
       open_count, deadline_policy, timed_out_at, forced_at, purged_at, now() AS now
FROM batch WHERE batch_id = $1
FOR UPDATE

-- name: force_end
-- Its open slots were given up in this transaction.
UPDATE batch SET
    state = $2,
    missing_count = open_count,
    open_count = 0,
    completed_at = CASE $2 WHEN 'completed' THEN now() END,
    closed_at = CASE $2 WHEN 'closed' THEN now() END,
    forced_at = now()
WHERE batch_id = $1

-- name: lock_slot
SELECT position, essay_id, state, text_storage_id, file_upload_id FROM slot
WHERE batch_id = $1 AND essay_id = $2
FOR UPDATE

-- name: lock_excess
-- A content without a slot, locked.
SELECT * FROM unplaced
WHERE batch_id = $1 AND kind = 'content' AND identity = $2
FOR UPDATE

-- name: moved_before
-- Whether a content has lost or won a slot by hand before.
SELECT EXISTS (
    SELECT FROM operator_audit
    WHERE consumer_group = $1 AND action = 'reassign' AND starts_with(subject, $2)
      AND $3 IN (before -> 'slot' ->> 'text_storage_id', after -> 'slot' ->> 'text_storage_id')
)

-- name: displace
-- What holds a slot becomes excess; nothing if the slot is missing.
INSERT INTO unplaced (
    batch_id, kind, identity, file_upload_id, original_file_name, raw_file_storage_id,
    file_size_bytes, content_md5_hash, validation_error_code, validation_error_detail,
    correlation_id, first_seen_at, outcome
)
SELECT batch_id, CASE state WHEN 'filled' THEN 'content' ELSE 'failure' END,
       CASE state WHEN 'filled' THEN text_storage_id ELSE file_upload_id END, file_upload_id,
       original_file_name, raw_file_storage_id, file_size_bytes, content_md5_hash,
       validation_error_code, validation_error_detail, correlation_id, taken_at, 'excess'
FROM slot WHERE batch_id = $1 AND position = $2 AND state IN ('filled', 'failed')
RETURNING *

-- name: forget_excess
DELETE FROM unplaced WHERE batch_id = $1 AND kind = 'content' AND identity = $2

-- name: give_slot
-- A content takes a slot, whatever held it.
UPDATE slot SET
    state = 'filled', text_storage_id = $3, file_upload_id = $4, original_file_name = $5,
    raw_file_storage_id = $6, file_size_bytes = $7, content_md5_hash = $8,
    validation_error_code = NULL, validation_error_detail = NULL, correlation_id = $9,
    taken_at = now()
WHERE batch_id = $1 AND position = $2

-- name: count_given
-- The counters after a slot of the state $2 was filled.
UPDATE batch SET
    filled_count = filled_count + 1 - ($2 = 'filled')::int,
    failed_count = failed_count - ($2 = 'failed')::int,
    missing_count = missing_count - ($2 = 'missing')::int
WHERE batch_id = $1

-- name: excess_contents
-- Contents of a batch that will never hold a slot, each with how many there are. For a cursor: one statement
-- sees one moment, and more of them commit at any time.
WITH excess AS NOT MATERIALIZED (
    SELECT * FROM unplaced WHERE batch_id = $1 AND kind = 'content' AND outcome = 'excess'
)
SELECT *, (SELECT count(*) FROM excess) AS total FROM excess
ORDER BY identity

-- name: filled_slots
-- Filled slots of a batch with all that their announcement says, a page at a time.
SELECT * FROM slot
WHERE batch_id = $1 AND state = 'filled' AND position > $2
ORDER BY position
LIMIT $3

-- name: missing_essays
SELECT essay_id FROM slot WHERE batch_id = $1 AND state = 'missing' ORDER BY position
