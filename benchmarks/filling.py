"""Millions of finished contents, written by SQL alone: the tables of a deployment that has been at work."""

from collections.abc import Callable

import psycopg

from benchmarks.deployment import SCHEMA, Deployment

SLOTS = 500
_BATCHES_AT_ONCE = 1000
_BATCHES = """
INSERT INTO batch (batch_id, expected_count, open_count, filled_count, state, course_code,
                   essay_instructions, user_id, correlation_id, registration_digest, completed_at)
SELECT gen_random_uuid(), %(slots)s, 0, %(slots)s, 'completed', 'OLD1',
       'Write about a place that changed how you see the world.', 'teacher-17', gen_random_uuid(),
       '', now()
FROM generate_series(1, %(batches)s)
RETURNING batch_id
"""
_CONTENTS = """
INSERT INTO slot (batch_id, position, essay_id, state, text_storage_id, file_upload_id,
                  original_file_name, raw_file_storage_id, file_size_bytes, content_md5_hash,
                  correlation_id, taken_at)
SELECT b, n, format('essay-%%s-%%s', left(b::text, 8), n), 'filled',
       format('text-%%s-%%s', left(b::text, 16), n), format('upload-%%s-%%s', left(b::text, 16), n),
       format('Student %%s.docx', n), format('raw-%%s-%%s', left(b::text, 16), n), 18000 + n,
       md5(b::text || n), b, now()
FROM unnest(%(ids)s::uuid[]) b, generate_series(0, %(slots)s - 1) n
"""
_COMPLETIONS = "INSERT INTO completion (batch_id) SELECT unnest(%(ids)s::uuid[])"


def fill(deployment: Deployment, events: int, told: Callable[[int], None]) -> int:
    """Write so many finished contents, in batches of 500; returns how many there are.

    `told` is called with the number written so far, every half a million.
    """
    left = max(1, events // SLOTS)
    written = 0
    with psycopg.connect(
        deployment.dsn, autocommit=True, options=f"-c search_path={SCHEMA}"
    ) as connection:
        while left:
            batches = min(left, _BATCHES_AT_ONCE)
            with connection.transaction():
                rows = connection.execute(_BATCHES, {"slots": SLOTS, "batches": batches})
                ids = [row[0] for row in rows.fetchall()]
                connection.execute(_CONTENTS, {"ids": ids, "slots": SLOTS})
                connection.execute(_COMPLETIONS, {"ids": ids})
            left -= batches
            written += batches * SLOTS
            told(written)
        # What autovacuum would do in the middle of a pass.
        connection.execute("VACUUM (ANALYZE) slot, batch, completion")
    deployment.settle()
    return written
