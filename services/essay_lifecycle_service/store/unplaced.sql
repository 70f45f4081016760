-- name: leave
-- Keep claims that got no slot: as excess if the batch's committed open count is zero, else as pending
-- (not registered yet, or its open slots locked by others). One snapshot decides: when it shows no
-- open slot, it also shows who holds each of them.
INSERT INTO unplaced (
    batch_id, kind, identity, file_upload_id, original_file_name, raw_file_storage_id,
    file_size_bytes, content_md5_hash, validation_error_code, validation_error_detail,
    correlation_id, first_seen_at, outcome
)
SELECT c.batch_id, c.kind, c.identity, c.file_upload_id, c.original_file_name, c.raw_file_storage_id,
       c.file_size_bytes, c.content_md5_hash, c.validation_error_code, c.validation_error_detail,
       c.correlation_id, coalesce(c.first_seen_at, now()),
       CASE WHEN b.open_count = 0 THEN 'excess' ELSE 'pending' END
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
    $9::text[], $10::text[], $11::uuid[], $12::timestamptz[]
) AS c (
    batch_id, kind, identity, file_upload_id, original_file_name, raw_file_storage_id,
    file_size_bytes, content_md5_hash, validation_error_code, validation_error_detail,
    correlation_id, first_seen_at
)
LEFT JOIN batch b ON b.batch_id = c.batch_id
WHERE CASE WHEN c.kind = 'content' THEN NOT EXISTS (
    SELECT FROM slot s WHERE s.batch_id = c.batch_id AND s.text_storage_id = c.identity OFFSET 0
) ELSE NOT EXISTS (
    SELECT FROM slot s
    WHERE s.batch_id = c.batch_id AND s.file_upload_id = c.identity
      AND s.validation_error_code IS NOT NULL OFFSET 0
) END
ORDER BY c.batch_id, c.kind, c.identity
ON CONFLICT (batch_id, kind, identity) DO NOTHING
RETURNING batch_id, kind, identity, outcome, (
    SELECT b.missing_count > 0 OR b.purged_at IS NOT NULL FROM batch b WHERE b.batch_id = unplaced.batch_id
) AS batch_closed

-- name: take_back
-- Remove pending claims of registered batches, oldest first, to try them again in this transaction.
WITH oldest AS MATERIALIZED (
    SELECT p.batch_id, p.kind, p.identity
    FROM unplaced p JOIN batch b USING (batch_id)
    WHERE p.outcome = 'pending' AND p.batch_id = ANY($1::uuid[])
    ORDER BY p.batch_id, p.first_seen_at
    LIMIT $2
    FOR UPDATE OF p SKIP LOCKED
)
DELETE FROM unplaced u USING oldest o
WHERE u.batch_id = o.batch_id AND u.kind = o.kind AND u.identity = o.identity
RETURNING u.*

-- name: pending_of_registered
-- Pending claims of registered batches, a page at a time: batch after batch, oldest first.
SELECT p.batch_id, p.first_seen_at, p.kind, p.identity
FROM unplaced p JOIN batch b USING (batch_id)
WHERE p.outcome = 'pending' AND (p.batch_id, p.first_seen_at, p.kind, p.identity) > ($1, $2, $3, $4)
ORDER BY p.batch_id, p.first_seen_at, p.kind, p.identity
LIMIT $5

-- name: take_back_claims
-- Remove these claims if they are still pending, to try them again in this transaction.
WITH wanted AS MATERIALIZED (
    SELECT p.batch_id, p.kind, p.identity
    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS w (batch_id, kind, identity)
    JOIN unplaced p USING (batch_id, kind, identity)
    WHERE p.outcome = 'pending'
    FOR UPDATE OF p SKIP LOCKED
)
DELETE FROM unplaced u USING wanted w
WHERE u.batch_id = w.batch_id AND u.kind = w.kind AND u.identity = w.identity
RETURNING u.*

-- name: pending_ages
-- The age of the oldest pending claim, and how many batches with open slots one has waited for too long
-- ($1, in seconds; not before the batch was registered).
SELECT coalesce(extract(epoch FROM now() - min(p.first_seen_at)), 0)::float8 AS oldest_seconds,
       count(DISTINCT p.batch_id) FILTER (
           WHERE b.open_count > 0
             AND greatest(p.first_seen_at, b.registered_at) < now() - make_interval(secs => $1)
       ) AS stuck
FROM unplaced p LEFT JOIN batch b USING (batch_id)
WHERE p.outcome = 'pending'
