-- name: instances
-- Who has been heard within $1 seconds, at most $2, by age.
SELECT instance_id, host, pid, http_url, started_at,
       greatest(0, extract(epoch FROM clock_timestamp() - heartbeat_at))::float8 AS silence_seconds,
       count(*) OVER () AS instances
FROM instance
WHERE heartbeat_at > now() - make_interval(secs => $1)
ORDER BY started_at, instance_id
LIMIT $2

-- name: positions
-- How far each partition is.
SELECT topic, partition, next_offset FROM position
WHERE consumer_group = $1
ORDER BY topic, partition
LIMIT $2

-- name: waiting
-- What waits in each lane, counted up to $1 segments.
SELECT lane, count(*)::int AS segments, coalesce(sum(event_count), 0)::int AS events
FROM (SELECT lane, event_count FROM segment LIMIT $1) s
GROUP BY lane

-- name: letters
-- Dead letters by error and state, counted up to $2.
SELECT error_type, state, count(*)::int AS letters, max(last_seen_at) AS last_seen_at
FROM (
    SELECT error_type, state, last_seen_at FROM dead_letter WHERE consumer_group = $1 LIMIT $2
) d
GROUP BY error_type, state
ORDER BY letters DESC, error_type, state
LIMIT 100

-- name: settled
-- What operators did to dead letters, of the newest $2 rows of the audit; one line for each order.
SELECT at, action, reason, count(*)::int AS letters, max(id) AS id
FROM (
    SELECT id, at, action, reason, consumer_group FROM dead_letter_audit
    ORDER BY id DESC LIMIT $2
) a
WHERE consumer_group = $1
GROUP BY at, action, reason
ORDER BY max(id) DESC
LIMIT 20
