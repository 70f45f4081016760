-- name: read
-- Topics that are not to be consumed.
SELECT topic, reason, paused_by, paused_at FROM paused_topic WHERE consumer_group = $1 ORDER BY topic

-- name: followed
-- What a replica must follow, in one look: the paused topics with their reasons, and how often somebody
-- has moved positions by hand.
SELECT (
    SELECT jsonb_object_agg(topic, reason) FROM paused_topic WHERE consumer_group = $1
) AS paused, (
    SELECT count(*) FROM operator_audit
    WHERE consumer_group = $1 AND action IN ('replay-input', 'reset-position')
) AS moves

-- name: pause
-- A topic that is paused already keeps its first reason.
WITH paused AS (
    INSERT INTO paused_topic (consumer_group, topic, reason, paused_by) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING
    RETURNING topic
), audited AS (
    INSERT INTO operator_audit (operator, action, reason, consumer_group, subject, before, after)
    SELECT $4, 'pause', $3, $1, topic, '{"paused": false}', '{"paused": true}' FROM paused
)
SELECT topic FROM paused

-- name: resume
WITH resumed AS (
    DELETE FROM paused_topic WHERE consumer_group = $1 AND topic = $2 RETURNING topic
), audited AS (
    INSERT INTO operator_audit (operator, action, reason, consumer_group, subject, before, after)
    SELECT $4, 'resume', $3, $1, topic, '{"paused": true}', '{"paused": false}' FROM resumed
)
SELECT topic FROM resumed

-- name: history
-- The newest changes.
SELECT at, operator, action, reason, subject AS topic FROM operator_audit
WHERE consumer_group = $1 AND action IN ('pause', 'resume') ORDER BY id DESC LIMIT $2
