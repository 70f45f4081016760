-- name: waits_for
-- What a session does, and the first of those that hold what it waits for.
SELECT a.state, a.wait_event_type, a.wait_event, b.pid AS blocker,
       b.application_name AS blocker_name, b.state AS blocker_state,
       extract(epoch FROM clock_timestamp() - b.xact_start)::float8 AS blocker_seconds
FROM pg_stat_activity a
LEFT JOIN LATERAL (
    SELECT * FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(a.pid)) ORDER BY xact_start LIMIT 1
) b ON true
WHERE a.pid = $1
