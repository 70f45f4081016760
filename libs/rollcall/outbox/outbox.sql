-- name: append
-- One row for each lane touched. Ids are drawn here, after the handlers locked what they changed, so
-- that ids within a lane follow causes.
INSERT INTO segment (lane, event_count, payload)
SELECT * FROM unnest($1::smallint[], $2::int[], $3::bytea[])

-- name: create_lanes
-- The first start of a deployment fixes the number of lanes.
INSERT INTO lane (lane) SELECT generate_series(0, $1::int - 1)
WHERE NOT EXISTS (SELECT FROM lane)
ON CONFLICT DO NOTHING

-- name: count_lanes
SELECT count(*) FROM lane

-- name: lane_range
-- What the database knows of a lane.
SELECT last_seq, published_seq FROM lane WHERE lane = $1

-- name: last_numbers
SELECT lane, last_seq FROM lane

-- name: numbered
-- Segments that were numbered but perhaps not published, for a new owner of the lane.
SELECT seq, payload FROM segment WHERE lane = $1 AND seq > $2 ORDER BY seq LIMIT $3

-- name: waiting
-- Which of these lanes have segments that nobody has numbered.
SELECT lane FROM unnest($1::smallint[]) AS owned (lane)
WHERE EXISTS (SELECT FROM segment WHERE segment.lane = owned.lane AND seq IS NULL)

-- name: take_next
-- Forget what is published up to $2, and number the next segments in causal order.
WITH forgotten AS (
    DELETE FROM segment WHERE lane = $1 AND seq <= $2
), next AS MATERIALIZED (
    SELECT id, row_number() OVER (ORDER BY id) AS n
    FROM (
        SELECT id FROM segment WHERE lane = $1 AND seq IS NULL ORDER BY id LIMIT $3
    ) unnumbered
), counted AS (
    SELECT count(*) AS n FROM next
), drawn AS (
    UPDATE lane l SET last_seq = l.last_seq + c.n, published_seq = greatest(l.published_seq, $2)
    FROM counted c
    WHERE l.lane = $1 AND (c.n > 0 OR l.published_seq < $2)
    RETURNING l.last_seq - c.n AS base
)
UPDATE segment s SET seq = drawn.base + next.n
FROM next, drawn
WHERE s.id = next.id
RETURNING s.seq, s.payload
