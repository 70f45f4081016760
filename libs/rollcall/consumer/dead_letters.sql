-- name: record
-- Keep rejected records whole. A record met again (after a replay) counts its attempts; another one at the
-- same offset (its topic was made again) takes the place of the first.
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
    record_key = excluded.record_key,
    record_value = excluded.record_value,
    record_headers = excluded.record_headers,
    record_timestamp = excluded.record_timestamp,
    attempts = excluded.attempts + CASE
        WHEN (dead_letter.record_key, dead_letter.record_value)
             IS NOT DISTINCT FROM (excluded.record_key, excluded.record_value)
        THEN dead_letter.attempts ELSE 0 END,
    first_seen_at = CASE
        WHEN (dead_letter.record_key, dead_letter.record_value)
             IS NOT DISTINCT FROM (excluded.record_key, excluded.record_value)
        THEN dead_letter.first_seen_at ELSE now() END,
    last_seen_at = now(),
    error_type = excluded.error_type,
    error_message = excluded.error_message,
    stack_fingerprint = excluded.stack_fingerprint,
    bisection_trace = excluded.bisection_trace,
    instance_id = excluded.instance_id,
    state = 'dead'
-- One that was seen in an earlier transaction was announced by it.
RETURNING topic, partition, record_offset, first_seen_at = now() AS is_new
