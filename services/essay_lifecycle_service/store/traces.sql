-- name: remember
-- Keep the traces of claims for a later transaction.
INSERT INTO claim_trace (batch_id, kind, identity, traceparent, tracestate)
SELECT c.batch_id, c.kind, c.identity, c.traceparent, c.tracestate
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS c (batch_id, kind, identity, traceparent, tracestate)
ORDER BY c.batch_id, c.kind, c.identity
ON CONFLICT (batch_id, kind, identity) DO NOTHING

-- name: recall
-- The traces of claims that waited, if they have one; kept again if they go on waiting.
DELETE FROM claim_trace t
USING unnest($1::uuid[], $2::text[], $3::text[]) AS c (batch_id, kind, identity)
WHERE t.batch_id = c.batch_id AND t.kind = c.kind AND t.identity = c.identity
RETURNING t.batch_id, t.kind, t.identity, t.traceparent, t.tracestate

-- name: of_complete
-- The traces of a batch's claims, forgotten at its completion; but for those that still wait to be told
-- that they are excess.
DELETE FROM claim_trace t
WHERE t.batch_id = $1 AND NOT EXISTS (
    SELECT FROM unplaced u
    WHERE u.batch_id = t.batch_id AND u.kind = t.kind AND u.identity = t.identity
      AND u.outcome = 'pending'
)
RETURNING t.traceparent, t.tracestate, t.seen_at
