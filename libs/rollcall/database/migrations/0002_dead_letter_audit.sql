-- depends: 0001_runtime

-- Who redrove or discarded which dead letter, when and why. Append-only.
CREATE TABLE dead_letter_audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    operator text NOT NULL CHECK (operator <> ''),
    action text NOT NULL CHECK (action IN ('redrive', 'discard')),
    reason text NOT NULL DEFAULT '',
    consumer_group text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    state_before text NOT NULL,
    state_after text NOT NULL,
    CHECK (action = 'redrive' OR reason <> '')
);
CREATE INDEX dead_letter_audit_record ON dead_letter_audit (consumer_group, topic, partition, record_offset);

CREATE FUNCTION dead_letter_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'dead_letter_audit is append-only: % refused', TG_OP;
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dead_letter_audit
FOR EACH STATEMENT EXECUTE FUNCTION dead_letter_audit_is_append_only();
