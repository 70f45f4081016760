-- name: take
-- Give the lowest open slots of each batch to its new claims. Returns every new claim by its ordinal,
-- without a slot if none could be locked; claims that are known already are missing from the result.
-- OFFSET 0 keeps each look-up an index look-up, whatever the planner thinks of the tables; one number
-- as the join key keeps a chunk that is all of one batch from being joined in quadratic time. A locked
-- slot stays where it is, so it is found again by its place; the limit, which is never reached, tells the
-- planner how many there are: by their key, it read a growing table or its index as a whole.
WITH claim AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
        $9::text[], $10::text[], $11::uuid[]
    ) WITH ORDINALITY AS c (
        batch_id, kind, identity, file_upload_id, original_file_name, raw_file_storage_id,
        file_size_bytes, content_md5_hash, validation_error_code, validation_error_detail,
        correlation_id, ordinal
    )
), new_claim AS MATERIALIZED (
    SELECT c.*,
           dense_rank() OVER (ORDER BY c.batch_id) AS batch_number,
           row_number() OVER (PARTITION BY c.batch_id ORDER BY c.ordinal) AS n
    FROM claim c
    WHERE NOT EXISTS (
        SELECT FROM unplaced u
        WHERE u.batch_id = c.batch_id AND u.kind = c.kind AND u.identity = c.identity OFFSET 0
    ) AND CASE WHEN c.kind = 'content' THEN NOT EXISTS (
        SELECT FROM slot s WHERE s.batch_id = c.batch_id AND s.text_storage_id = c.identity OFFSET 0
    ) ELSE NOT EXISTS (
        SELECT FROM slot s
        WHERE s.batch_id = c.batch_id AND s.file_upload_id = c.identity
          AND s.validation_error_code IS NOT NULL OFFSET 0
    ) END
), open_slot AS MATERIALIZED (
    SELECT wanted.batch_number, lowest.place,
           row_number() OVER (PARTITION BY wanted.batch_id ORDER BY lowest.position) AS n
    FROM (
        SELECT batch_id, batch_number, count(*) AS slots FROM new_claim GROUP BY batch_id, batch_number
    ) wanted
    CROSS JOIN LATERAL (
        SELECT s.position, s.ctid AS place FROM slot s
        WHERE s.batch_id = wanted.batch_id AND s.state = 'open'
        ORDER BY s.position
        LIMIT wanted.slots
        FOR UPDATE SKIP LOCKED
    ) lowest
), taken AS (
    UPDATE slot s SET
        state = CASE c.kind WHEN 'content' THEN 'filled' ELSE 'failed' END,
        text_storage_id = CASE c.kind WHEN 'content' THEN c.identity END,
        file_upload_id = c.file_upload_id,
        original_file_name = c.original_file_name,
        raw_file_storage_id = c.raw_file_storage_id,
        file_size_bytes = c.file_size_bytes,
        content_md5_hash = c.content_md5_hash,
        validation_error_code = c.validation_error_code,
        validation_error_detail = c.validation_error_detail,
        correlation_id = c.correlation_id,
        taken_at = now()
    FROM new_claim c
    JOIN (SELECT * FROM open_slot LIMIT cardinality($1)) o
        ON (c.batch_number << 32) + c.n = (o.batch_number << 32) + o.n
    WHERE s.ctid = o.place
    RETURNING c.ordinal, s.position, s.essay_id
)
SELECT c.ordinal, t.position, t.essay_id FROM new_claim c LEFT JOIN taken t USING (ordinal)
ORDER BY c.ordinal

-- name: repair
-- The slots that a half-registered batch lacks; those that are there stay as they are.
INSERT INTO slot (batch_id, position, essay_id)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[]) AS n (batch_id, position, essay_id)
ORDER BY batch_id, position
ON CONFLICT (batch_id, position) DO NOTHING

-- name: open_essays
-- Essays for which nothing came so far.
SELECT essay_id FROM slot WHERE batch_id = $1 AND state = 'open' ORDER BY position

-- name: give_up
-- Close all open slots of a batch, or none: $2 is their number by the batch's locked row. A slot that
-- another transaction is about to take is not waited for, since that one waits for the batch's row.
WITH open_slot AS MATERIALIZED (
    SELECT position, essay_id FROM slot
    WHERE batch_id = $1 AND state = 'open'
    ORDER BY position
    FOR UPDATE SKIP LOCKED
), given_up AS (
    UPDATE slot s SET state = 'missing'
    FROM open_slot o
    WHERE s.batch_id = $1 AND s.position = o.position AND (SELECT count(*) FROM open_slot) = $2
    RETURNING s.position, s.essay_id
)
SELECT essay_id FROM given_up ORDER BY position

-- name: of_batch
-- Slots of a batch after a position, for its completion.
SELECT position, essay_id, state, text_storage_id, file_upload_id, original_file_name,
       validation_error_code, validation_error_detail
FROM slot WHERE batch_id = $1 AND position > $2 ORDER BY position LIMIT $3

-- name: page
-- Slots of a batch after a position, for reading.
SELECT * FROM slot WHERE batch_id = $1 AND position > $2 ORDER BY position LIMIT $3

-- name: of_essay
SELECT * FROM slot WHERE batch_id = $1 AND essay_id = $2
