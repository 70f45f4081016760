-- name: record
-- Keep rejected records whole. A record met again (after a replay) counts its attempts.
INSERT INTO dead_letter (
    consumer_group, topic, partition, record_offset, record_key, record_value, record_headers,
    record_timestamp, error_type, error_message, stack_fingerprint, attempts, bisection_trace, instance_id
)
SELECT $1, d.topic, d.partition, d.record_offset, d.record_key, d.record_value, d.record_headers,
       d.record_timestamp, d.error_type, d.error_message, d.stack_fingerprint, d.attempts,
       d.bisection_trace, $2
FROM unnest(
    $3::text[], $4::int[], $5::bigint[], $6::bytea[], $7::bytea[], $8::jsonb[], $9::timestamptz[],
    $10::text[], $11::text[], $12::text[], $13::int[], $14::jsonb[]
) AS d (
    topic, partition, record_offset, record_key, record_value, record_headers, record_timestamp,
    error_type, error_message, stack_fingerprint, attempts, bisection_trace
)
ON CONFLICT (consumer_group, topic, partition, record_offset) DO UPDATE SET
    attempts = dead_letter.attempts + excluded.attempts,
    last_seen_at = now(),
    error_type = excluded.error_type,
    error_message = excluded.error_message,
    stack_fingerprint = excluded.stack_fingerprint,
    bisection_trace = excluded.bisection_trace,
    instance_id = excluded.instance_id,
    state = 'dead'
-- A row that was there before was announced before.
RETURNING topic, partition, record_offset, (xmax = 0) AS is_new
