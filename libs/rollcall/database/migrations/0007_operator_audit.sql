-- depends: 0006_fence

-- Who did what by hand, when and why, and what it was before and after. Append-only. Written in the transaction of what
-- was done. subject: the dead letter (topic-partition@offset), topic, partition (topic-partition), batch or slot
-- (batch/essay) that it was done to.
CREATE TABLE operator_audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    operator text NOT NULL CHECK (operator <> ''),
    action text NOT NULL CHECK (action <> ''),
    consumer_group text NOT NULL,
    subject text NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    reason text NOT NULL DEFAULT '',
    CHECK (action <> 'discard' OR reason <> '')
);

LOCK TABLE dead_letter_audit, topic_audit IN ACCESS EXCLUSIVE MODE;

INSERT INTO operator_audit (at, operator, action, consumer_group, subject, before, after, reason)
SELECT at, operator, action, consumer_group, subject, before, after, reason
FROM (
    SELECT at, operator, action, consumer_group, topic || '-' || partition || '@' || record_offset AS subject,
           jsonb_build_object('state', state_before) AS before,
           jsonb_build_object('state', state_after) AS after, reason, id
    FROM dead_letter_audit
    UNION ALL
    SELECT at, operator, action, consumer_group, topic, jsonb_build_object('paused', action = 'resume'),
           jsonb_build_object('paused', action = 'pause'), reason, id
    FROM topic_audit
) earlier
ORDER BY at, id;

CREATE INDEX operator_audit_newest ON operator_audit (consumer_group, id DESC);
CREATE INDEX operator_audit_subject ON operator_audit (consumer_group, subject, id);
-- Replicas count these, once a second.
CREATE INDEX operator_audit_moves ON operator_audit (consumer_group)
WHERE action IN ('replay-input', 'reset-position');

CREATE FUNCTION operator_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'operator_audit is append-only: % refused', TG_OP;
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON operator_audit
FOR EACH STATEMENT EXECUTE FUNCTION operator_audit_is_append_only();

DROP TABLE dead_letter_audit, topic_audit;
DROP FUNCTION dead_letter_audit_is_append_only;
DROP FUNCTION topic_audit_is_append_only;

-- The tables that it replaces, for replicas of the release before, which run on while this one is rolled out.
CREATE VIEW dead_letter_audit AS
SELECT id, at, operator, action, reason, consumer_group,
       substring(subject FROM '^(.*)-\d+@\d+$') AS topic,
       substring(subject FROM '-(\d+)@\d+$')::int AS partition,
       substring(subject FROM '@(\d+)$')::bigint AS record_offset,
       before ->> 'state' AS state_before, after ->> 'state' AS state_after
FROM operator_audit
WHERE action IN ('redrive', 'discard');

CREATE VIEW topic_audit AS
SELECT id, at, operator, action, reason, consumer_group, subject AS topic
FROM operator_audit
WHERE action IN ('pause', 'resume');

CREATE FUNCTION dead_letter_audit_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO %I.operator_audit (operator, action, consumer_group, subject, before, after, reason)'
        ' VALUES ($1, $2, $3, $4, $5, $6, $7)', TG_TABLE_SCHEMA
    ) USING new.operator, new.action, new.consumer_group,
        new.topic || '-' || new.partition || '@' || new.record_offset,
        jsonb_build_object('state', new.state_before), jsonb_build_object('state', new.state_after),
        coalesce(new.reason, '');
    RETURN new;
END
$$;

CREATE FUNCTION topic_audit_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO %I.operator_audit (operator, action, consumer_group, subject, before, after, reason)'
        ' VALUES ($1, $2, $3, $4, $5, $6, $7)', TG_TABLE_SCHEMA
    ) USING new.operator, new.action, new.consumer_group, new.topic,
        jsonb_build_object('paused', new.action = 'resume'), jsonb_build_object('paused', new.action = 'pause'),
        coalesce(new.reason, '');
    RETURN new;
END
$$;

CREATE TRIGGER written INSTEAD OF INSERT ON dead_letter_audit
FOR EACH ROW EXECUTE FUNCTION dead_letter_audit_insert();
CREATE TRIGGER written INSTEAD OF INSERT ON topic_audit
FOR EACH ROW EXECUTE FUNCTION topic_audit_insert();
