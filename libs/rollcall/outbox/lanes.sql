-- name: beat
-- Say that this instance is alive; returns how many are, this one included.
WITH own AS (
    INSERT INTO instance (instance_id, host, pid, http_url) VALUES ($1, $2, $3, $4)
    ON CONFLICT (instance_id) DO UPDATE SET heartbeat_at = now(), http_url = excluded.http_url
)
SELECT 1 + count(*) FROM instance
WHERE instance_id <> $1 AND heartbeat_at > now() - make_interval(secs => $5)

-- name: leave
-- However an instance ends that still can say so: the others take over at once.
DELETE FROM instance WHERE instance_id = $1

-- name: try_lock
-- The lock's first key is the schema, so that deployments in one database do not share lanes.
SELECT pg_try_advisory_lock(current_schema()::regnamespace::oid::int, $1)

-- name: unlock
SELECT pg_advisory_unlock(current_schema()::regnamespace::oid::int, $1)
