-- depends: 1005_claim_traces 0008_roles

-- A batch's row outlives its purge; what else goes is deleted by `rollcall purge`, which is run as the service.
INSERT INTO role_grant (role_suffix, table_name, privileges) VALUES
    ('service', 'batch', 'SELECT, INSERT, UPDATE'),
    ('service', 'slot', 'SELECT, INSERT, UPDATE, DELETE'),
    ('service', 'unplaced', 'SELECT, INSERT, UPDATE, DELETE'),
    ('service', 'completion', 'SELECT, INSERT, DELETE'),
    ('service', 'claim_trace', 'SELECT, INSERT, UPDATE, DELETE');
