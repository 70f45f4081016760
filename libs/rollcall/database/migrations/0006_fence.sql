-- depends: 0005_topic_audit

-- The newest epoch of fencing numbers. One is drawn for each life of a Redis data set, never for an acquisition.
CREATE TABLE fence_epoch (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch bigint NOT NULL CHECK (epoch BETWEEN 0 AND 2147483647)
);

-- The newest holder whose write each resource has taken: older ones are refused.
CREATE TABLE fence (
    resource text PRIMARY KEY,
    number bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- What marks of handled records, kept outside of this database, were made for. New after each replay, so that a
-- mark from before it is not believed.
CREATE TABLE replay (
    consumer_group text PRIMARY KEY,
    life uuid NOT NULL DEFAULT gen_random_uuid(),
    began_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION position_moved_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DELETE FROM %I.replay WHERE consumer_group = $1', TG_TABLE_SCHEMA) USING OLD.consumer_group;
    RETURN NULL;
END
$$;

CREATE TRIGGER moved_back AFTER UPDATE ON position
FOR EACH ROW WHEN (new.next_offset < old.next_offset) EXECUTE FUNCTION position_moved_back();
CREATE TRIGGER forgotten AFTER DELETE ON position
FOR EACH ROW EXECUTE FUNCTION position_moved_back();
