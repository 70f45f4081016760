-- name: life
-- Names this database and the newest replay in it: another database, or another replay, has another name.
-- None while another transaction begins it just now.
WITH begun AS (
    INSERT INTO replay (consumer_group) VALUES ($1) ON CONFLICT DO NOTHING RETURNING life
)
SELECT
    coalesce((SELECT life FROM begun), (SELECT life FROM replay WHERE consumer_group = $1))
    || ' ' || (SELECT system_identifier FROM pg_control_system())
    || ' ' || (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: passed
-- Which of these offsets the group's positions have passed, in transactions that are committed.
SELECT given.place
FROM unnest($2::text[], $3::int[], $4::bigint[]) WITH ORDINALITY AS given (topic, partition, record_offset, place)
JOIN position USING (topic, partition)
WHERE consumer_group = $1 AND next_offset > record_offset
