-- name: read
-- Topics that are not to be consumed.
SELECT topic, reason, paused_by, paused_at FROM paused_topic WHERE consumer_group = $1 ORDER BY topic

-- name: pause
-- A topic that is paused already keeps its first reason.
WITH paused AS (
    INSERT INTO paused_topic (consumer_group, topic, reason, paused_by) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING
    RETURNING topic
), audited AS (
    INSERT INTO topic_audit (operator, action, reason, consumer_group, topic)
    SELECT $4, 'pause', $3, $1, topic FROM paused
)
SELECT topic FROM paused

-- name: resume
WITH resumed AS (
    DELETE FROM paused_topic WHERE consumer_group = $1 AND topic = $2 RETURNING topic
), audited AS (
    INSERT INTO topic_audit (operator, action, reason, consumer_group, topic)
    SELECT $4, 'resume', $3, $1, topic FROM resumed
)
SELECT topic FROM resumed

-- name: history
-- The newest changes.
SELECT at, operator, action, reason, topic FROM topic_audit
WHERE consumer_group = $1 ORDER BY id DESC LIMIT $2
