-- depends: 1003_purge

-- When an operator ended the batch before it was full: its open slots became missing, and it was completed with what was
-- there, or closed.
ALTER TABLE batch ADD COLUMN forced_at timestamptz;
ALTER TABLE batch
    DROP CONSTRAINT batch_missing_only_after_timeout,
    ADD CONSTRAINT batch_missing_only_after_end CHECK (
        missing_count = 0
        OR missing_count > 0 AND (timed_out_at IS NOT NULL OR forced_at IS NOT NULL) AND state <> 'open'
    ) NOT VALID,
    ADD CONSTRAINT batch_forced_is_ended CHECK (forced_at IS NULL OR state <> 'open') NOT VALID;
