-- name: server
SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS in_recovery,
       current_database() AS database, current_user AS user,
       (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS user_limit,
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database_limit

-- name: clock
SELECT clock_timestamp()

-- name: settings
-- Names are known whatever their case.
SELECT lower(name) AS name, setting FROM pg_settings WHERE lower(name) = ANY($1::text[])

-- name: sessions
SELECT coalesce(application_name, '') AS application, count(*) AS sessions FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1

-- name: old_sessions
-- Transactions, prepared transactions and slots that keep dead rows from being removed.
SELECT format('session %s (%s, %s)', pid, application_name, state) AS name,
       format('SELECT pg_terminate_backend(%s)', pid) AS end,
       extract(epoch FROM now() - xact_start)::float8 AS seconds
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL OR state LIKE 'idle in transaction%')
  AND xact_start < now() - make_interval(secs => $1)
UNION ALL
SELECT format('prepared transaction %L', gid), format('ROLLBACK PREPARED %L', gid),
       extract(epoch FROM now() - prepared)::float8
FROM pg_prepared_xacts
WHERE database = current_database() AND prepared < now() - make_interval(secs => $1)
ORDER BY 3 DESC

-- name: migrations
SELECT migration_id FROM _yoyo_migration

-- name: indexes
SELECT c.relname AS name, i.indisvalid AS valid
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = to_regnamespace(quote_ident($1))

-- name: triggers
-- Those that fire.
SELECT format('%s on %s', t.tgname, c.relname) AS name
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND c.relnamespace = to_regnamespace(quote_ident($1))

-- name: unvacuumed
SELECT relname FROM pg_class
WHERE relnamespace = to_regnamespace(quote_ident($1)) AND reloptions && ARRAY['autovacuum_enabled=false',
      'autovacuum_enabled=off']
ORDER BY 1

-- name: instances
SELECT instance_id, http_url FROM instance
WHERE heartbeat_at > now() - make_interval(secs => $1) ORDER BY instance_id

-- name: positions
SELECT topic, partition, next_offset FROM position WHERE consumer_group = $1

-- name: lanes
SELECT lane, last_seq, published_seq FROM lane

-- name: paused
SELECT topic, reason FROM paused_topic WHERE consumer_group = $1 ORDER BY topic
