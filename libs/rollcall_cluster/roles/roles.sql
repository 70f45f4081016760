-- Roles of a Rollcall deployment. Run it once in the deployment's database, as somebody who may create roles:
--
--   rollcall roles --schema {schema} | psql "postgresql://postgres@host/database"
--
--   {migrator}  owns schema and tables; runs `essay-lifecycle-service migrate`
--   {service}  reads and writes what a replica does, changes no table; replicas and all other commands
--   {auditor}  reads; `rollcall verify`
--
-- It can be run again, before or after the first migration. Each role may log in once you give it a password:
--
--   ALTER ROLE {service} LOGIN PASSWORD '...';

DO $$
DECLARE
    name text;
    owned record;
BEGIN
    FOREACH name IN ARRAY ARRAY[{migrator_text}, {service_text}, {auditor_text}] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', name);
        END IF;
    END LOOP;
    IF to_regnamespace({schema_text}) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', {schema_text});
    END IF;
    -- What was made before there were roles goes over to the migrator.
    EXECUTE format('ALTER SCHEMA %I OWNER TO %I', {schema_text}, {migrator_text});
    FOR owned IN
        SELECT relname FROM pg_class
        WHERE relnamespace = to_regnamespace({schema_text}) AND relkind IN ('r', 'p', 'v', 'm')
    LOOP
        EXECUTE format('ALTER TABLE %I.%I OWNER TO %I', {schema_text}, owned.relname, {migrator_text});
    END LOOP;
    FOR owned IN SELECT oid::regprocedure AS signature FROM pg_proc WHERE pronamespace = to_regnamespace({schema_text})
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO %I', owned.signature, {migrator_text});
    END LOOP;
    IF to_regprocedure(format('%I.grant_roles()', {schema_text})) IS NOT NULL THEN
        EXECUTE format('SELECT %I.grant_roles()', {schema_text});
    END IF;
END
$$;
