-- depends: 1001_batches_and_slots

-- A batch may have a deadline. When it passes, slots that are still open may be given up: they become 'missing', and
-- the batch is completed with what is there, or closed. filled + failed + missing + open = expected.
ALTER TABLE batch
    ADD COLUMN missing_count int NOT NULL DEFAULT 0,
    ADD COLUMN deadline_at timestamptz,
    ADD COLUMN deadline_policy text,
    ADD COLUMN timed_out_at timestamptz,
    ADD COLUMN closed_at timestamptz;

-- NOT VALID: every row written so far fulfils a narrower check, so none has to be read while the table is locked.
ALTER TABLE batch
    DROP CONSTRAINT batch_state_check,
    DROP CONSTRAINT batch_check,
    DROP CONSTRAINT batch_check1,
    ADD CONSTRAINT batch_state_check CHECK (state IN ('open', 'completed', 'closed')) NOT VALID,
    ADD CONSTRAINT batch_counts_add_up CHECK (
        filled_count + failed_count + missing_count + open_count = expected_count
    ) NOT VALID,
    ADD CONSTRAINT batch_open_while_slots_are CHECK ((open_count = 0) = (state <> 'open')) NOT VALID,
    ADD CONSTRAINT batch_closed_is_dated CHECK ((closed_at IS NOT NULL) = (state = 'closed')) NOT VALID,
    ADD CONSTRAINT batch_missing_only_after_timeout CHECK (
        missing_count = 0 OR missing_count > 0 AND timed_out_at IS NOT NULL AND state <> 'open'
    ) NOT VALID,
    ADD CONSTRAINT batch_closed_for_missing CHECK (state <> 'closed' OR missing_count > 0) NOT VALID,
    ADD CONSTRAINT batch_deadline_with_policy CHECK (
        (deadline_at IS NULL) = (deadline_policy IS NULL)
        AND deadline_policy IN ('keep_open', 'complete_partial', 'close')
        AND (timed_out_at IS NULL OR coalesce(timed_out_at >= deadline_at, false))
    ) NOT VALID;

ALTER TABLE slot
    DROP CONSTRAINT slot_state_check,
    ADD CONSTRAINT slot_state_check CHECK (state IN ('open', 'filled', 'failed', 'missing')) NOT VALID;

-- Only batches that a deadline may still end are in it: none, unless deadlines are used.
CREATE INDEX batch_deadline ON batch (deadline_at, batch_id)
WHERE deadline_at IS NOT NULL AND timed_out_at IS NULL AND state = 'open';
