-- depends: 0006_fence

-- What each role may do with each table or view, written down by the migration that makes the table. A table that nobody wrote
-- down is the service's to read and write, and the auditor's to read. Roles belong to the whole server, and to create
-- one takes rights that a migration need not have: it never does. Whoever may runs what `rollcall roles` prints.
CREATE TABLE role_grant (
    role_suffix text NOT NULL CHECK (role_suffix IN ('service', 'auditor')),
    table_name text NOT NULL,
    privileges text NOT NULL CHECK (privileges ~ '^(SELECT|INSERT|UPDATE|DELETE)(, (SELECT|INSERT|UPDATE|DELETE))*$'),
    PRIMARY KEY (role_suffix, table_name)
);

INSERT INTO role_grant (role_suffix, table_name, privileges) VALUES
    ('service', 'position', 'SELECT, INSERT, UPDATE'),
    ('service', 'lane', 'SELECT, INSERT, UPDATE'),
    ('service', 'segment', 'SELECT, INSERT, UPDATE, DELETE'),
    ('service', 'dead_letter', 'SELECT, INSERT, UPDATE'),
    ('service', 'dead_letter_audit', 'SELECT, INSERT'),
    ('service', 'instance', 'SELECT, INSERT, UPDATE, DELETE'),
    ('service', 'paused_topic', 'SELECT, INSERT, DELETE'),
    ('service', 'topic_audit', 'SELECT, INSERT'),
    ('service', 'operator_audit', 'SELECT, INSERT'),
    ('service', 'periodic_job', 'SELECT, INSERT, UPDATE'),
    ('service', 'fence_epoch', 'SELECT, INSERT, UPDATE'),
    ('service', 'fence', 'SELECT, INSERT, UPDATE'),
    ('service', 'replay', 'SELECT, INSERT, DELETE'),
    ('service', '_yoyo_migration', 'SELECT'),
    ('service', '_yoyo_log', 'SELECT'),
    ('service', '_yoyo_version', 'SELECT'),
    ('service', 'yoyo_lock', 'SELECT'),
    ('service', 'role_grant', 'SELECT');

-- Gives those of this schema's roles that exist exactly that: <schema>_service and <schema>_auditor. Runs after every
-- migration, whether or not there was anything to do, so that roles and tables may come in any order.
CREATE FUNCTION grant_roles() RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    own_schema text := current_schema();
    grantee record;
    granted record;
BEGIN
    FOR grantee IN
        SELECT suffix, rolname AS name, everything
        FROM (VALUES ('service', 'SELECT, INSERT, UPDATE, DELETE'), ('auditor', 'SELECT')) AS r (suffix, everything)
        JOIN pg_roles ON rolname = own_schema || '_' || suffix
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', own_schema, grantee.name);
        FOR granted IN
            SELECT c.relname AS name, coalesce(g.privileges, grantee.everything) AS privileges
            FROM pg_class c
            LEFT JOIN role_grant g ON g.table_name = c.relname AND g.role_suffix = grantee.suffix
            WHERE c.relnamespace = own_schema::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
            ORDER BY c.relname
        LOOP
            EXECUTE format('REVOKE ALL ON %I.%I FROM %I', own_schema, granted.name, grantee.name);
            EXECUTE format(
                'GRANT %s ON %I.%I TO %I', granted.privileges, own_schema, granted.name, grantee.name
            );
        END LOOP;
    END LOOP;
END
$$;
