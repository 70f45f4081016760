-- What the output topics tell that the restored database does not know. Gone with the transaction.
CREATE TEMP TABLE told_id (event_id uuid) ON COMMIT DROP;
CREATE INDEX told_ids ON told_id (event_id);
CREATE TEMP TABLE told_slot (
    batch_id uuid, position int, essay_id text, text_storage_id text, file_upload_id text,
    original_file_name text, raw_file_storage_id text, file_size_bytes bigint, content_md5_hash text,
    correlation_id uuid, at timestamptz
) ON COMMIT DROP;
CREATE TEMP TABLE told_excess (
    batch_id uuid, text_storage_id text, file_upload_id text, original_file_name text,
    raw_file_storage_id text, file_size_bytes bigint, content_md5_hash text, correlation_id uuid,
    at timestamptz, batch_ended boolean
) ON COMMIT DROP;
CREATE TEMP TABLE told_end (batch_id uuid, kind text, at timestamptz, missing text[]) ON COMMIT DROP;
CREATE TEMP TABLE told_failure (batch_id uuid, essay_id text, file_upload_id text) ON COMMIT DROP;
CREATE TEMP TABLE told_timeout (
    batch_id uuid, timed_out_at timestamptz, policy text, missing text[], by_hand boolean
) ON COMMIT DROP;
CREATE TEMP TABLE told_letter (
    topic text, partition int, record_offset bigint, record_key bytea, record_value bytea,
    record_headers jsonb, error_type text, error_message text, stack_fingerprint text, attempts int,
    instance_id text, first_seen_at timestamptz
) ON COMMIT DROP;
-- Events that operators had published: header and number of the order; of a correction, what takes which slot.
CREATE TEMP TABLE told_mark (
    entry bigint, header text, event_id uuid, batch_id uuid, essay_id text, text_storage_id text,
    at timestamptz
) ON COMMIT DROP;
