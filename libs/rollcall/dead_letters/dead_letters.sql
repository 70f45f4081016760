-- name: count
-- How many there are of each error and state. $1 group, then the filter.
SELECT error_type, stack_fingerprint, state, count(*) AS letters
FROM dead_letter
WHERE consumer_group = $1
  AND ($2::text IS NULL OR topic = $2)
  AND ($3::text IS NULL OR error_type = $3)
  AND ($4::text IS NULL OR stack_fingerprint = $4)
  AND ($5::text IS NULL OR state = $5)
  AND ($6::timestamptz IS NULL OR last_seen_at >= $6)
  AND ($7::timestamptz IS NULL OR last_seen_at < $7)
  AND ($8::text IS NULL OR strpos(lower(error_message), lower($8)) > 0)
  AND ($9::text[] IS NULL
       OR (topic, partition, record_offset) IN (SELECT * FROM unnest($9, $10::int[], $11::bigint[])))
GROUP BY error_type, stack_fingerprint, state
ORDER BY letters DESC, error_type, stack_fingerprint, state

-- name: find
-- One page in order of place, beyond the place of $12 to $14. Lengths are read without the values.
SELECT topic, partition, record_offset, state, error_type, error_message, stack_fingerprint, attempts,
       first_seen_at, last_seen_at,
       coalesce(octet_length(record_key), 0) + coalesce(octet_length(record_value), 0)
       + octet_length(record_headers::text) AS size_bytes
FROM dead_letter
WHERE consumer_group = $1
  AND ($2::text IS NULL OR topic = $2)
  AND ($3::text IS NULL OR error_type = $3)
  AND ($4::text IS NULL OR stack_fingerprint = $4)
  AND ($5::text IS NULL OR state = $5)
  AND ($6::timestamptz IS NULL OR last_seen_at >= $6)
  AND ($7::timestamptz IS NULL OR last_seen_at < $7)
  AND ($8::text IS NULL OR strpos(lower(error_message), lower($8)) > 0)
  AND ($9::text[] IS NULL
       OR (topic, partition, record_offset) IN (SELECT * FROM unnest($9, $10::int[], $11::bigint[])))
  AND ($12::text IS NULL OR (topic, partition, record_offset) > ($12, $13::int, $14::bigint))
ORDER BY topic, partition, record_offset
LIMIT $15

-- name: contents
-- Records as they were read, in order of place.
SELECT topic, partition, record_offset, record_key, record_value, record_headers, record_timestamp,
       bisection_trace, instance_id
FROM dead_letter
JOIN unnest($2::text[], $3::int[], $4::bigint[]) AS w (topic, partition, record_offset)
    USING (topic, partition, record_offset)
WHERE consumer_group = $1
ORDER BY topic, partition, record_offset

-- name: settle
-- Move those that are still dead to another state and write down who did it. Rows are locked in sorted
-- order; one that another operator settles first is tested again after the wait, and left out.
WITH wanted AS (
    SELECT * FROM unnest($2::text[], $3::int[], $4::bigint[]) AS w (topic, partition, record_offset)
), locked AS MATERIALIZED (
    SELECT d.topic, d.partition, d.record_offset, d.state
    FROM dead_letter d JOIN wanted w USING (topic, partition, record_offset)
    WHERE d.consumer_group = $1 AND d.state = 'dead'
    ORDER BY d.topic, d.partition, d.record_offset
    FOR UPDATE OF d
), settled AS (
    UPDATE dead_letter d SET state = $5
    FROM locked l
    WHERE d.consumer_group = $1 AND d.topic = l.topic AND d.partition = l.partition
      AND d.record_offset = l.record_offset
    RETURNING d.topic, d.partition, d.record_offset, l.state AS state_before, d.state AS state_after
), audited AS (
    INSERT INTO operator_audit (operator, action, reason, consumer_group, subject, before, after)
    SELECT $6, $7, $8, $1, topic || '-' || partition || '@' || record_offset,
           jsonb_build_object('state', state_before), jsonb_build_object('state', state_after)
    FROM settled
    ORDER BY topic, partition, record_offset
)
SELECT topic, partition, record_offset FROM settled ORDER BY topic, partition, record_offset

-- name: history
-- What was done to one dead letter, oldest first.
SELECT at, operator, action, reason, before ->> 'state' AS state_before, after ->> 'state' AS state_after
FROM operator_audit
WHERE consumer_group = $1 AND subject = $2 AND action IN ('redrive', 'discard')
ORDER BY id
