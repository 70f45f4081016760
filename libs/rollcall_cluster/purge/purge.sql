-- name: has_tables
-- Whether the schema is the service's, of a release that knows everything that is purged here.
SELECT EXISTS (
    SELECT FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = 'batch' AND column_name = 'purged_at'
) AND EXISTS (
    SELECT FROM information_schema.tables
    WHERE table_schema = current_schema() AND table_name = 'claim_trace'
)

-- name: cutoff
-- The moment before which a batch must have ended, on the database's clock.
SELECT now() - make_interval(secs => $1)

-- name: count_ended
-- How many batches there are to purge, as far as their dates tell.
SELECT count(*) FROM batch
WHERE state <> 'open' AND purged_at IS NULL AND coalesce(completed_at, closed_at) < $1

-- name: ended
-- A page of them, oldest first, with their slots: up to $4 batches and about $5 slots.
SELECT ended_at, batch_id, slots FROM (
    SELECT ended_at, batch_id, slots,
           sum(slots) OVER (ORDER BY ended_at, batch_id) - slots AS slots_before
    FROM (
        SELECT coalesce(completed_at, closed_at) AS ended_at, batch_id, expected_count AS slots
        FROM batch
        WHERE state <> 'open' AND purged_at IS NULL AND coalesce(completed_at, closed_at) < $1
          AND (coalesce(completed_at, closed_at), batch_id) > ($2, $3)
        ORDER BY coalesce(completed_at, closed_at), batch_id
        LIMIT $4
    ) oldest
) bounded
WHERE slots_before < $5
ORDER BY ended_at, batch_id

-- name: lanes
SELECT count(*) FROM lane

-- name: unpublished
-- The newest segment of each lane that is not known to be in Kafka, up to the ids given ($2; null: any).
SELECT s.lane, max(s.id) AS newest
FROM segment s
JOIN lane l USING (lane)
JOIN unnest($1::smallint[], $2::bigint[]) AS w (lane, newest) USING (lane)
WHERE (s.seq IS NULL OR s.seq > l.published_seq) AND s.id <= coalesce(w.newest, s.id)
GROUP BY s.lane

-- name: lock
-- Those of the batches that can go now, locked; one in which something still waits can not.
SELECT batch_id FROM batch b
WHERE batch_id = ANY($1::uuid[]) AND state <> 'open' AND purged_at IS NULL
  AND NOT EXISTS (
      SELECT FROM unplaced u WHERE u.batch_id = b.batch_id AND u.outcome = 'pending'
  )
ORDER BY batch_id
FOR UPDATE SKIP LOCKED

-- name: delete_excess
DELETE FROM unplaced WHERE batch_id = ANY($1::uuid[]) AND outcome = 'excess'

-- name: delete_slots
DELETE FROM slot WHERE batch_id = ANY($1::uuid[])

-- name: delete_completions
DELETE FROM completion WHERE batch_id = ANY($1::uuid[])

-- name: delete_traces
DELETE FROM claim_trace WHERE batch_id = ANY($1::uuid[])

-- name: mark
-- The row stays, narrow: it tells what comes later that its batch is over.
UPDATE batch SET purged_at = now(), essay_instructions = '', user_id = ''
WHERE batch_id = ANY($1::uuid[])

-- name: delete_late_excess
-- Content that came for batches purged before, and is as old itself by now; a page at a time.
WITH late AS MATERIALIZED (
    SELECT u.batch_id, u.kind, u.identity
    FROM unplaced u JOIN batch b USING (batch_id)
    WHERE u.outcome = 'excess' AND u.first_seen_at < $1 AND b.purged_at < $1
    LIMIT $2
    FOR UPDATE OF u SKIP LOCKED
)
DELETE FROM unplaced u USING late l
WHERE u.batch_id = l.batch_id AND u.kind = l.kind AND u.identity = l.identity
