-- depends: 0001_runtime

CREATE TABLE batch (
    batch_id uuid PRIMARY KEY,
    expected_count int NOT NULL CHECK (expected_count > 0),
    open_count int NOT NULL CHECK (open_count >= 0),
    filled_count int NOT NULL DEFAULT 0 CHECK (filled_count >= 0),
    failed_count int NOT NULL DEFAULT 0 CHECK (failed_count >= 0),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'completed')),
    course_code text NOT NULL,
    essay_instructions text NOT NULL,
    user_id text NOT NULL,
    correlation_id uuid NOT NULL,
    registration_digest bytea NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    CHECK (filled_count + failed_count + open_count = expected_count),
    CHECK ((open_count = 0) = (state = 'completed')),
    CHECK ((completed_at IS NOT NULL) = (state = 'completed'))
) WITH (fillfactor = 50);

-- A slot is taken by a content (text_storage_id) or by a validation failure (validation_error_code), never both.
CREATE TABLE slot (
    batch_id uuid NOT NULL,
    position int NOT NULL CHECK (position >= 0),
    essay_id text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'filled', 'failed')),
    text_storage_id text,
    file_upload_id text,
    original_file_name text,
    raw_file_storage_id text,
    file_size_bytes bigint,
    content_md5_hash text,
    validation_error_code text,
    validation_error_detail text,
    correlation_id uuid,
    taken_at timestamptz,
    PRIMARY KEY (batch_id, position),
    CHECK ((state = 'filled') = (text_storage_id IS NOT NULL)),
    CHECK ((state = 'failed') = (validation_error_code IS NOT NULL))
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX slot_one_per_content ON slot (batch_id, text_storage_id) WHERE text_storage_id IS NOT NULL;
CREATE UNIQUE INDEX slot_one_per_failed_file ON slot (batch_id, file_upload_id) WHERE validation_error_code IS NOT NULL;
CREATE INDEX slot_open ON slot (batch_id, position) WHERE state = 'open';
CREATE UNIQUE INDEX slot_essay ON slot (batch_id, essay_id);

-- Content and failures that hold no slot: pending (may still get one) or excess (never will).
-- kind 'content' is identified by text_storage_id, kind 'failure' by file_upload_id.
CREATE TABLE unplaced (
    batch_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('content', 'failure')),
    identity text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('pending', 'excess')),
    file_upload_id text NOT NULL,
    original_file_name text NOT NULL,
    raw_file_storage_id text,
    file_size_bytes bigint NOT NULL,
    content_md5_hash text,
    validation_error_code text,
    validation_error_detail text,
    correlation_id uuid NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (batch_id, kind, identity),
    CHECK ((kind = 'failure') = (validation_error_code IS NOT NULL))
);
CREATE INDEX unplaced_pending ON unplaced (batch_id, first_seen_at) WHERE outcome = 'pending';

-- One row for each announced completion: the primary key is what makes a second one impossible.
CREATE TABLE completion (
    batch_id uuid PRIMARY KEY REFERENCES batch,
    completed_at timestamptz NOT NULL DEFAULT now()
);
