-- depends: 1003_purge

-- The traces of claims, for transactions to come: the announcement of a claim that waits continues its
-- trace, that of a complete batch links to the traces of all. Written only while tracing is on, for
-- records that carry a trace; forgotten with the completion, or else with the purge.
CREATE TABLE claim_trace (
    batch_id uuid NOT NULL,
    kind text NOT NULL,
    identity text NOT NULL,
    traceparent text NOT NULL,
    tracestate text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (batch_id, kind, identity)
);
