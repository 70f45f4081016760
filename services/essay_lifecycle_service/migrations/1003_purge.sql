-- depends: 1002_deadlines

-- A purged batch keeps this row alone, without instructions and user: what comes later for it is told apart from what
-- comes for a batch that nobody registered yet. Its counts and state stay as they were.
ALTER TABLE batch ADD COLUMN purged_at timestamptz;
ALTER TABLE batch
    ADD CONSTRAINT batch_purged_after_its_end CHECK (purged_at IS NULL OR state <> 'open') NOT VALID;

-- What can be purged, oldest first.
CREATE INDEX batch_ended ON batch ((coalesce(completed_at, closed_at)), batch_id)
WHERE state <> 'open' AND purged_at IS NULL;
