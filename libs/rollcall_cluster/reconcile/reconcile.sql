-- name: own_lanes
-- Every lane's lock for the length of this transaction: no replica publishes meanwhile.
SELECT lane, last_seq, published_seq,
       pg_try_advisory_xact_lock(current_schema()::regnamespace::oid::int, lane) AS locked
FROM lane ORDER BY lane

-- name: age
-- About how long ago the moment lies that the database was restored to.
SELECT extract(epoch FROM clock_timestamp() - max(updated_at))::float8 FROM position
WHERE consumer_group = $1

-- name: positions
SELECT topic, partition, next_offset FROM position WHERE consumer_group = $1

-- name: unknown_batches
SELECT batch_id FROM (
    SELECT batch_id FROM told_slot UNION SELECT batch_id FROM told_excess
    UNION SELECT batch_id FROM told_end UNION SELECT batch_id FROM told_timeout
) told
WHERE NOT EXISTS (SELECT FROM batch b WHERE b.batch_id = told.batch_id)

-- name: slots_told
SELECT position, essay_id FROM told_slot WHERE batch_id = $1

-- name: is_dead
SELECT EXISTS (SELECT FROM told_letter WHERE topic = $1 AND partition = $2 AND record_offset = $3)

-- name: contradictions
-- What the database says otherwise than Kafka: replicas have worked on it since it was restored.
SELECT format('batch %s, content %s: told at position %s of its batch', t.batch_id, t.text_storage_id,
              t.position) AS found
FROM told_slot t LEFT JOIN slot s ON s.batch_id = t.batch_id AND s.position = t.position
WHERE s.batch_id IS NULL OR s.essay_id <> t.essay_id
   OR NOT (s.state = 'open' OR s.state = 'filled' AND s.text_storage_id = t.text_storage_id)
UNION ALL
SELECT format('batch %s, content %s: told at position %s, stored at %s', t.batch_id, t.text_storage_id,
              t.position, s.position)
FROM told_slot t JOIN slot s ON s.batch_id = t.batch_id AND s.text_storage_id = t.text_storage_id
WHERE s.position <> t.position
UNION ALL
SELECT format('batch %s, content %s: told as excess, stored in a slot', t.batch_id, t.text_storage_id)
FROM told_excess t JOIN slot s ON s.batch_id = t.batch_id AND s.text_storage_id = t.text_storage_id
UNION ALL
SELECT format('batch %s, content %s: told in a slot, stored as excess', t.batch_id, t.text_storage_id)
FROM told_slot t
JOIN unplaced u ON u.batch_id = t.batch_id AND u.kind = 'content' AND u.identity = t.text_storage_id
WHERE u.outcome = 'excess'
LIMIT 5

-- name: ended_by_hand
-- Timeouts that no deadline can have caused: an operator closed the batch. One that was registered again just now
-- has a deadline that is too late, and is believed.
UPDATE told_timeout o SET by_hand = true
FROM batch b
WHERE b.batch_id = o.batch_id AND o.policy = 'close' AND (
    b.deadline_policy IS DISTINCT FROM 'close'
    OR b.registered_at <= o.timed_out_at AND o.timed_out_at < b.deadline_at
)

-- name: remember
-- Batches that are told about, as they were.
CREATE TEMP TABLE touched ON COMMIT DROP AS
SELECT batch_id, state AS state_before, forced_at AS forced_before FROM batch
WHERE batch_id IN (
    SELECT batch_id FROM told_slot UNION SELECT batch_id FROM told_end
    UNION SELECT batch_id FROM told_timeout
)

-- name: fill
UPDATE slot s SET
    state = 'filled', text_storage_id = t.text_storage_id, file_upload_id = t.file_upload_id,
    original_file_name = t.original_file_name, raw_file_storage_id = t.raw_file_storage_id,
    file_size_bytes = t.file_size_bytes, content_md5_hash = t.content_md5_hash,
    correlation_id = t.correlation_id, taken_at = t.at
FROM told_slot t
WHERE s.batch_id = t.batch_id AND s.position = t.position AND s.state = 'open'

-- name: place
-- What was pending holds its slot now.
DELETE FROM unplaced u USING told_slot t
WHERE u.batch_id = t.batch_id AND u.kind = 'content' AND u.identity = t.text_storage_id

-- name: exceed
INSERT INTO unplaced (
    batch_id, kind, identity, outcome, file_upload_id, original_file_name, raw_file_storage_id,
    file_size_bytes, content_md5_hash, correlation_id, first_seen_at
)
SELECT batch_id, 'content', text_storage_id, 'excess', file_upload_id, original_file_name,
       raw_file_storage_id, file_size_bytes, content_md5_hash, correlation_id, at
FROM (SELECT DISTINCT ON (batch_id, text_storage_id) * FROM told_excess) told
ON CONFLICT (batch_id, kind, identity) DO UPDATE SET outcome = 'excess'
WHERE unplaced.outcome <> 'excess'

-- name: miss
UPDATE slot s SET state = 'missing'
FROM (
    SELECT batch_id, unnest(missing) AS essay_id FROM told_end
    UNION SELECT batch_id, unnest(missing) FROM told_timeout WHERE policy <> 'keep_open'
) m
WHERE s.batch_id = m.batch_id AND s.essay_id = m.essay_id AND s.state = 'open'

-- name: failed_slots
-- Open slots that an announcement says are taken, and no content was announced for: failures hold them.
SELECT s.batch_id, s.position, f.file_upload_id
FROM slot s
JOIN (SELECT batch_id FROM told_end UNION SELECT batch_id FROM told_timeout) ended USING (batch_id)
LEFT JOIN told_timeout o USING (batch_id)
LEFT JOIN told_failure f ON f.batch_id = s.batch_id AND f.essay_id = s.essay_id
WHERE s.state = 'open' AND (
    EXISTS (SELECT FROM told_end e WHERE e.batch_id = s.batch_id) OR s.essay_id <> ALL (o.missing)
)
ORDER BY s.batch_id, f.file_upload_id NULLS LAST, s.position

-- name: pending_failures
SELECT * FROM unplaced WHERE kind = 'failure' AND batch_id = ANY($1::uuid[])

-- name: holding_failures
SELECT batch_id, file_upload_id FROM slot WHERE batch_id = ANY($1::uuid[]) AND state = 'failed'

-- name: fail
UPDATE slot SET
    state = 'failed', file_upload_id = $3, original_file_name = $4, raw_file_storage_id = $5,
    file_size_bytes = $6, validation_error_code = $7, validation_error_detail = $8,
    correlation_id = $9, taken_at = now()
WHERE batch_id = $1 AND position = $2

-- name: forget_failure
DELETE FROM unplaced WHERE batch_id = $1 AND kind = 'failure' AND identity = $2

-- name: count
-- Counters, state and times of the batches that are told about, from their slots.
WITH counted AS (
    SELECT s.batch_id,
           count(*) FILTER (WHERE s.state = 'open') AS open,
           count(*) FILTER (WHERE s.state = 'filled') AS filled,
           count(*) FILTER (WHERE s.state = 'failed') AS failed,
           count(*) FILTER (WHERE s.state = 'missing') AS missing,
           (SELECT min(e.at) FROM told_end e WHERE e.batch_id = s.batch_id) AS ended_at
    FROM slot s JOIN touched USING (batch_id) GROUP BY s.batch_id
), timed AS (
    SELECT c.*, coalesce(b.timed_out_at, o.timed_out_at) AS timed_out_at,
           coalesce(b.deadline_policy, o.policy) AS policy,
           -- The registration was handled again, later than the first time.
           greatest(b.deadline_at - o.timed_out_at, interval '0') AS early,
           h.timed_out_at AS closed_by_hand_at
    FROM counted c JOIN batch b USING (batch_id)
    LEFT JOIN told_timeout o ON o.batch_id = c.batch_id AND NOT o.by_hand
    LEFT JOIN told_timeout h ON h.batch_id = c.batch_id AND h.by_hand
), ended AS (
    SELECT t.*,
           CASE WHEN b.state <> 'open' THEN b.state
                WHEN t.open > 0 THEN 'open'
                WHEN t.missing = 0 OR t.ended_at IS NOT NULL THEN 'completed'
                WHEN t.closed_by_hand_at IS NOT NULL OR t.policy = 'close' THEN 'closed'
                ELSE 'completed' END AS state,
           -- Slots are missing, and no deadline gave them up.
           coalesce(b.forced_at, CASE
               WHEN t.missing > 0 AND (t.timed_out_at IS NULL OR t.policy = 'keep_open')
               THEN coalesce(t.closed_by_hand_at, t.ended_at) END) AS forced_at
    FROM timed t JOIN batch b USING (batch_id)
)
UPDATE batch b SET
    open_count = t.open, filled_count = t.filled, failed_count = t.failed, missing_count = t.missing,
    state = t.state,
    completed_at = CASE t.state WHEN 'completed' THEN coalesce(b.completed_at, t.ended_at, now()) END,
    closed_at = CASE t.state
                WHEN 'closed' THEN coalesce(b.closed_at, t.closed_by_hand_at, t.timed_out_at) END,
    timed_out_at = t.timed_out_at,
    forced_at = t.forced_at,
    deadline_policy = t.policy,
    deadline_at = coalesce(b.deadline_at - coalesce(t.early, '0'), t.timed_out_at),
    registered_at = b.registered_at - coalesce(t.early, '0')
FROM ended t WHERE b.batch_id = t.batch_id

-- name: complete
INSERT INTO completion (batch_id, completed_at)
SELECT batch_id, completed_at FROM batch JOIN touched USING (batch_id) WHERE state = 'completed'
ON CONFLICT DO NOTHING

-- name: half_told
-- Batches that are complete by what is told, and part of whose completion is not told.
SELECT b.batch_id, ARRAY(SELECT e.kind FROM told_end e WHERE e.batch_id = b.batch_id) AS told
FROM batch b JOIN touched t USING (batch_id)
WHERE b.state = 'completed' AND t.state_before = 'open' AND 2 + (b.failed_count > 0)::int > (
    SELECT count(*) FROM told_end e WHERE e.batch_id = b.batch_id
)

-- name: forced
-- Batches that an operator ended, by what is told.
SELECT b.batch_id, b.state, b.forced_at FROM batch b JOIN touched t USING (batch_id)
WHERE b.forced_at IS NOT NULL AND t.forced_before IS NULL
ORDER BY b.forced_at

-- name: closed_unannounced
-- Open batches that contents were turned away from because they had ended: an operator closed them after their
-- timeout, of which nothing was published.
SELECT DISTINCT b.batch_id FROM batch b JOIN told_excess t USING (batch_id)
WHERE b.state = 'open' AND t.batch_ended
ORDER BY b.batch_id

-- name: lost_orders
-- Orders that had something published and are not in the audit, in the order in which they were given.
SELECT entry, header, batch_id, min(at) AS at, count(DISTINCT event_id) AS events,
       max(essay_id) AS essay_id, max(text_storage_id) AS content
FROM told_mark
WHERE NOT EXISTS (SELECT FROM operator_audit a WHERE a.id = entry)
GROUP BY entry, header, batch_id
ORDER BY entry

-- name: write_order
INSERT INTO operator_audit (id, at, operator, action, consumer_group, subject, before, after, reason)
OVERRIDING SYSTEM VALUE
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: go_on_after
-- No number of an order is given a second time.
SELECT setval(pg_get_serial_sequence('operator_audit', 'id'), greatest($1, nextval(
    pg_get_serial_sequence('operator_audit', 'id'))))

-- name: mourn
INSERT INTO dead_letter (
    consumer_group, topic, partition, record_offset, record_key, record_value, record_headers,
    error_type, error_message, stack_fingerprint, attempts, instance_id, first_seen_at
)
SELECT $1, topic, partition, record_offset, record_key, record_value, record_headers, error_type,
       error_message, stack_fingerprint, attempts, instance_id, first_seen_at
FROM told_letter
ON CONFLICT DO NOTHING

-- name: numbered
SELECT payload FROM segment WHERE lane = ANY($1::int[]) AND seq IS NOT NULL

-- name: drop_numbered
-- Numbers up to Kafka's position are published.
DELETE FROM segment WHERE lane = $1 AND seq <= $2

-- name: unnumbered
SELECT id, payload FROM segment WHERE lane = $1 AND seq IS NULL AND id > $2 ORDER BY id LIMIT 20

-- name: is_told
SELECT EXISTS (SELECT FROM told_id WHERE event_id = $1)

-- name: is_marked
SELECT EXISTS (SELECT FROM told_mark WHERE event_id = $1 AND entry = $2)

-- name: drop_segment
DELETE FROM segment WHERE id = $1

-- name: advance
UPDATE lane SET last_seq = $2, published_seq = $2 WHERE lane = $1

-- name: new_life
-- Marks and fencing numbers from the time that is forgotten are not believed.
WITH replayed AS (DELETE FROM replay WHERE consumer_group = $1)
UPDATE fence_epoch SET epoch = epoch + 1000
