-- name: states
-- Each lane's oldest segment that is not published, by the database's clock, and whether any session
-- holds the lane's lock. A numbered segment is older than every one that is not.
SELECT l.lane,
       extract(epoch FROM clock_timestamp() - coalesce(
           (SELECT s.created_at FROM segment s
            WHERE s.lane = l.lane AND s.seq > l.published_seq ORDER BY s.seq LIMIT 1),
           (SELECT s.created_at FROM segment s
            WHERE s.lane = l.lane AND s.seq IS NULL ORDER BY s.id LIMIT 1)
       ))::float8 AS oldest_seconds,
       EXISTS (
           SELECT FROM pg_locks k
           WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 2
             AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND k.classid = current_schema()::regnamespace::oid AND k.objid = l.lane::int::oid
       ) AS owned
FROM lane l
ORDER BY l.lane
