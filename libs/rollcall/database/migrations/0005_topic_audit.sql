-- depends: 0003_paused_topic

-- Who paused or resumed which topic, when and why. Append-only.
CREATE TABLE topic_audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    operator text NOT NULL CHECK (operator <> ''),
    action text NOT NULL CHECK (action IN ('pause', 'resume')),
    reason text NOT NULL DEFAULT '',
    consumer_group text NOT NULL,
    topic text NOT NULL
);
CREATE INDEX topic_audit_newest ON topic_audit (consumer_group, id DESC);

CREATE FUNCTION topic_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'topic_audit is append-only: % refused', TG_OP;
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON topic_audit
FOR EACH STATEMENT EXECUTE FUNCTION topic_audit_is_append_only();
