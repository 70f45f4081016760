-- name: lock
-- Positions in sorted order, locked: chunks that would move them wait.
SELECT topic, partition, next_offset
FROM position JOIN unnest($2::text[], $3::int[]) AS w (topic, partition) USING (topic, partition)
WHERE consumer_group = $1
ORDER BY topic, partition
FOR UPDATE OF position

-- name: move
UPDATE position SET next_offset = $4, updated_at = now()
WHERE consumer_group = $1 AND topic = $2 AND partition = $3
