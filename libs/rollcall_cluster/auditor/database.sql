-- name: tables
-- Whether the schema holds the service's tables at all.
SELECT to_regclass('position') IS NOT NULL AND to_regclass('slot') IS NOT NULL

-- name: groups
SELECT DISTINCT consumer_group FROM position ORDER BY consumer_group

-- name: positions
SELECT topic, partition, next_offset FROM position WHERE consumer_group = $1

-- name: lanes
SELECT lane, last_seq, published_seq FROM lane

-- name: segments
-- What is not yet published, or published and not yet forgotten.
SELECT lane, count(*) AS segments, sum(event_count) AS events FROM segment GROUP BY lane

-- name: pending_of_registered
-- Content and failures that wait although their batch is registered.
SELECT count(*) FROM unplaced JOIN batch USING (batch_id) WHERE outcome = 'pending'

-- name: rows
-- About how many rows there are to copy, from the planner's statistics.
SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class
WHERE oid IN ('slot'::regclass, 'batch'::regclass, 'unplaced'::regclass, 'completion'::regclass)

-- name: batches
SELECT uuid_send(batch_id) AS batch, expected_count, open_count, filled_count, failed_count,
       missing_count, state, completed_at, closed_at, timed_out_at, forced_at, purged_at, deadline_policy,
       coalesce(extract(epoch FROM deadline_at - registered_at), 0)::float8 AS deadline_seconds,
       course_code, essay_instructions, user_id
FROM batch

-- name: slots
-- In order of batch and position: what the slots of a batch add up to is computed as they pass.
SELECT uuid_send(batch_id) AS batch, position, essay_id, state, text_storage_id, file_upload_id,
       original_file_name, raw_file_storage_id, file_size_bytes, content_md5_hash,
       validation_error_code, validation_error_detail,
       extract(epoch FROM taken_at)::float8 AS at
FROM slot
ORDER BY batch_id, position

-- name: unplaced
-- The age counts from when it could have been placed: not before its batch was registered.
SELECT uuid_send(u.batch_id) AS batch, u.kind, u.identity, u.outcome, u.file_upload_id,
       u.original_file_name, u.raw_file_storage_id, u.file_size_bytes, u.content_md5_hash,
       u.validation_error_code, extract(epoch FROM u.first_seen_at)::float8 AS at,
       extract(epoch FROM now() - greatest(u.first_seen_at, b.registered_at))::float8 AS age_seconds
FROM unplaced u LEFT JOIN batch b USING (batch_id)

-- name: completions
SELECT uuid_send(batch_id) AS batch FROM completion

-- name: dead_letters
SELECT topic, partition, record_offset, state, extract(epoch FROM first_seen_at)::float8 AS at
FROM dead_letter WHERE consumer_group = $1

-- name: orders
-- What operators did that changes what must hold, in order.
SELECT id, extract(epoch FROM at)::float8, action, subject, before, after FROM operator_audit
WHERE consumer_group = $1
  AND action IN ('replay-input', 'reset-position', 'replay-output', 'reassign')
ORDER BY id

-- name: reassigned_slots
SELECT uuid_send(batch_id) AS batch, position, essay_id, state, text_storage_id, file_upload_id,
       original_file_name, raw_file_storage_id, file_size_bytes, content_md5_hash,
       validation_error_code, validation_error_detail
FROM slot JOIN unnest($1::uuid[], $2::int[]) AS w (batch_id, position) USING (batch_id, position)

-- name: moved_claims
SELECT DISTINCT uuid_send(batch_id) AS batch, kind, identity, outcome, file_upload_id,
       original_file_name, raw_file_storage_id, file_size_bytes, content_md5_hash,
       validation_error_code, validation_error_detail
FROM unplaced JOIN unnest($1::uuid[], $2::text[], $3::text[]) AS w (batch_id, kind, identity)
    USING (batch_id, kind, identity)

-- name: purged_batches
SELECT uuid_send(batch_id) AS batch FROM batch
WHERE batch_id = ANY($1::uuid[]) AND purged_at IS NOT NULL
