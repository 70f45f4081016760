-- name: insert_batches
-- New batches; one that exists already is left alone and missing from the result.
INSERT INTO batch (
    batch_id, expected_count, open_count, course_code, essay_instructions, user_id, correlation_id,
    registration_digest, deadline_at, deadline_policy
)
SELECT n.batch_id, n.expected_count, n.expected_count, n.course_code, n.essay_instructions, n.user_id,
       n.correlation_id, n.registration_digest, now() + make_interval(secs => n.deadline_seconds),
       n.deadline_policy
FROM unnest(
    $1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::bytea[], $8::int[],
    $9::text[]
) AS n (
    batch_id, expected_count, course_code, essay_instructions, user_id, correlation_id,
    registration_digest, deadline_seconds, deadline_policy
)
ORDER BY n.batch_id
ON CONFLICT (batch_id) DO NOTHING
RETURNING batch_id

-- name: digests
-- What existing batches were registered with.
SELECT batch_id, registration_digest FROM batch WHERE batch_id = ANY($1::uuid[])

-- name: lacking_slots
-- Of these batches, the open ones that have fewer slots than they expect.
SELECT b.batch_id FROM batch b
WHERE b.batch_id = ANY($1::uuid[]) AND b.state = 'open'
  AND b.expected_count > (SELECT count(*) FROM slot s WHERE s.batch_id = b.batch_id)
ORDER BY b.batch_id

-- name: count_taken
-- Move the counters, rows locked in sorted order. The transaction that takes the last open slot, and no
-- other, gets state 'completed' from here. Must follow every statement on slots.
WITH taken AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[]) AS t (batch_id, filled, failed)
), locked AS MATERIALIZED (
    SELECT b.batch_id, t.filled, t.failed
    FROM batch b JOIN taken t USING (batch_id)
    ORDER BY b.batch_id
    FOR UPDATE OF b
)
UPDATE batch b SET
    filled_count = b.filled_count + l.filled,
    failed_count = b.failed_count + l.failed,
    open_count = b.open_count - l.filled - l.failed,
    state = CASE WHEN b.open_count = l.filled + l.failed THEN 'completed' ELSE b.state END,
    completed_at = CASE WHEN b.open_count = l.filled + l.failed THEN now() END
FROM locked l
WHERE b.batch_id = l.batch_id
RETURNING b.batch_id, b.state, EXISTS (
    SELECT FROM unplaced u WHERE u.batch_id = b.batch_id AND u.outcome = 'pending'
) AS has_pending

-- name: complete
-- The primary key is what makes a second completion impossible.
INSERT INTO completion (batch_id) VALUES ($1)

-- name: registration
-- What a completion repeats of the registration.
SELECT correlation_id, expected_count, course_code, essay_instructions, user_id
FROM batch WHERE batch_id = $1

-- name: past_deadline
-- Open batches whose deadline has passed, a page at a time, those that have waited longest first.
SELECT deadline_at, batch_id, open_count FROM batch
WHERE state = 'open' AND timed_out_at IS NULL AND deadline_at <= now()
  AND (deadline_at, batch_id) > ($1, $2)
ORDER BY deadline_at, batch_id
LIMIT $3

-- name: count_past_deadline
-- Batches that nobody has timed out although their deadline passed so many seconds ago.
SELECT count(*) FROM batch
WHERE state = 'open' AND timed_out_at IS NULL AND deadline_at <= now() - make_interval(secs => $1)

-- name: lock_past_deadline
-- Those of them that still are, locked; one that somebody is counting or completing is left for later.
SELECT batch_id, correlation_id, expected_count, filled_count, failed_count, open_count,
       deadline_policy, now() AS timed_out_at
FROM batch
WHERE batch_id = ANY($1::uuid[]) AND state = 'open' AND timed_out_at IS NULL AND deadline_at <= now()
ORDER BY batch_id
FOR UPDATE SKIP LOCKED

-- name: time_out
-- Note that the deadline passed. A batch that does not stay open gives up its open slots.
UPDATE batch b SET
    timed_out_at = now(),
    state = t.state,
    open_count = CASE t.state WHEN 'open' THEN b.open_count ELSE 0 END,
    missing_count = CASE t.state WHEN 'open' THEN 0 ELSE b.open_count END,
    completed_at = CASE t.state WHEN 'completed' THEN now() END,
    closed_at = CASE t.state WHEN 'closed' THEN now() END
FROM unnest($1::uuid[], $2::text[]) AS t (batch_id, state)
WHERE b.batch_id = t.batch_id

-- name: overview
-- A batch with what is known of its claims.
SELECT b.*,
       (SELECT count(*) FROM unplaced u WHERE u.batch_id = b.batch_id AND outcome = 'pending') AS pending_count,
       (SELECT count(*) FROM unplaced u WHERE u.batch_id = b.batch_id AND outcome = 'excess') AS excess_count,
       (SELECT min(taken_at) FROM slot s WHERE s.batch_id = b.batch_id) AS first_taken_at,
       (SELECT max(taken_at) FROM slot s WHERE s.batch_id = b.batch_id) AS last_taken_at
FROM batch b WHERE b.batch_id = $1
