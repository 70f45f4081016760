-- name: remember
-- Keep the traces of claims for a later transaction.
INSERT INTO claim_trace (batch_id, kind, identity, traceparent, tracestate)
SELECT c.batch_id, c.kind, c.identity, c.traceparent, c.tracestate
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS c (batch_id, kind, identity, traceparent, tracestate)
ORDER BY c.batch_id, c.kind, c.identity
ON CONFLICT (batch_id, kind, identity) DO NOTHING

-- name: recall
-- The traces of claims that waited, if they have one.
SELECT batch_id, kind, identity, traceparent, tracestate
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS c (batch_id, kind, identity)
JOIN claim_trace USING (batch_id, kind, identity)

-- name: of_complete
-- The traces of a batch's claims, forgotten at its completion.
DELETE FROM claim_trace WHERE batch_id = $1 RETURNING traceparent, tracestate, seen_at
