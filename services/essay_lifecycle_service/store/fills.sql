-- name: open_batches
-- The $2 fullest of the open batches, found by one probe each in the index of open slots, at most $1.
WITH RECURSIVE found AS (
    (SELECT batch_id, 1 AS number FROM slot WHERE state = 'open' ORDER BY batch_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT s.batch_id FROM slot s
        WHERE s.state = 'open' AND s.batch_id > f.batch_id ORDER BY s.batch_id LIMIT 1
    ), f.number + 1
    FROM found f
    WHERE f.batch_id IS NOT NULL AND f.number < $1
), fullest AS (
    SELECT b.*, count(*) OVER () AS found
    FROM found f JOIN batch b USING (batch_id)
    WHERE b.state = 'open'
    ORDER BY (b.filled_count + b.failed_count)::float8 / b.expected_count DESC, b.batch_id
    LIMIT $2
)
SELECT batch_id, course_code, state, expected_count, filled_count, failed_count, missing_count,
       registered_at, NULL::timestamptz AS ended_at, found::int,
       (SELECT count(*)::int FROM (
           SELECT FROM unplaced u WHERE u.batch_id = b.batch_id AND u.outcome = 'pending' LIMIT 1000
       ) p) AS pending
FROM fullest b

-- name: ended_batches
-- The $1 that ended last.
SELECT batch_id, course_code, state, expected_count, filled_count, failed_count, missing_count,
       registered_at, coalesce(completed_at, closed_at) AS ended_at, 0 AS pending
FROM batch
WHERE state <> 'open' AND purged_at IS NULL
ORDER BY coalesce(completed_at, closed_at) DESC, batch_id DESC
LIMIT $1

-- name: totals
-- How many ended, and what waits for its batch; counted up to $1.
SELECT (SELECT count(*)::int FROM (
           SELECT FROM batch WHERE state <> 'open' AND purged_at IS NULL LIMIT $1
       ) e) AS ended,
       count(*)::int AS pending, min(first_seen_at) AS oldest_pending_at
FROM (SELECT first_seen_at FROM unplaced WHERE outcome = 'pending' LIMIT $1) p
