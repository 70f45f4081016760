-- name: compare_and_set
-- Move positions from the expected to the next offset, rows locked in sorted order. A row that does not
-- match is missing from the result: this instance no longer owns that partition, or is behind.
WITH wanted AS (
    SELECT * FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[])
        AS w (topic, partition, expected, next)
), locked AS MATERIALIZED (
    SELECT p.topic, p.partition, w.next
    FROM position p JOIN wanted w USING (topic, partition)
    WHERE p.consumer_group = $1 AND p.next_offset = w.expected
    ORDER BY p.topic, p.partition
    FOR UPDATE OF p
)
UPDATE position p SET next_offset = l.next, updated_at = now()
FROM locked l
WHERE p.consumer_group = $1 AND p.topic = l.topic AND p.partition = l.partition
RETURNING p.topic, p.partition

-- name: read
-- Current positions of the given partitions; a partition never handled before has no row.
SELECT topic, partition, next_offset
FROM position JOIN unnest($2::text[], $3::int[]) AS w (topic, partition) USING (topic, partition)
WHERE consumer_group = $1

-- name: open
-- First positions of partitions that have none yet; a position that exists is left as it is.
INSERT INTO position (consumer_group, topic, partition, next_offset)
SELECT $1, w.* FROM unnest($2::text[], $3::int[], $4::bigint[]) AS w (topic, partition, next_offset)
ON CONFLICT DO NOTHING
