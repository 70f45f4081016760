-- depends: 0001_runtime

-- When each periodic job last began, so that all instances together run it once in its pause.
CREATE TABLE periodic_job (
    name text PRIMARY KEY,
    started_at timestamptz NOT NULL
) WITH (fillfactor = 50);
