-- name: write
INSERT INTO operator_audit (operator, action, consumer_group, subject, before, after, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id

-- name: find
-- The newest first, those older than $7.
SELECT id, at, operator, action, subject, before, after, reason FROM operator_audit
WHERE consumer_group = $1
  AND ($2::text IS NULL OR action = $2)
  AND ($3::text IS NULL OR starts_with(subject, $3))
  AND ($4::text IS NULL OR starts_with(operator, $4))
  AND ($5::timestamptz IS NULL OR at >= $5)
  AND ($6::timestamptz IS NULL OR at < $6)
  AND ($7::bigint IS NULL OR id < $7)
ORDER BY id DESC
LIMIT $8
