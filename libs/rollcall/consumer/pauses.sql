-- name: read
-- Topics that are not to be consumed.
SELECT topic, reason, paused_by, paused_at FROM paused_topic WHERE consumer_group = $1 ORDER BY topic

-- name: pause
-- A topic that is paused already keeps its first reason.
INSERT INTO paused_topic (consumer_group, topic, reason, paused_by) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING topic

-- name: resume
DELETE FROM paused_topic WHERE consumer_group = $1 AND topic = $2 RETURNING topic
