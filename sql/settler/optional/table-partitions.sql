-- Optional, for databases whose audit log grows large: keeps audit_logs in a partition a year, so that an old year is
-- removed by dropping its partition. Run it after 001-initial-schema.sql.
--
-- The rows are copied under a lock that keeps everybody else out. Safe to run again: a table that is partitioned stays
-- as it is. A unique key of a partitioned table holds the partition key, so the primary key becomes (id, timestamp).

BEGIN;

LOCK TABLE audit_logs IN ACCESS EXCLUSIVE MODE;

DO $$
BEGIN
    IF (SELECT relkind = 'p' FROM pg_class WHERE oid = 'audit_logs'::regclass) THEN
        RETURN;
    END IF;

    ALTER TABLE audit_logs RENAME TO audit_logs_unpartitioned;
    CREATE TABLE audit_logs (
        LIKE audit_logs_unpartitioned INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING COMMENTS
    ) PARTITION BY RANGE ("timestamp");
    CREATE TABLE audit_logs_default PARTITION OF audit_logs DEFAULT;
    FOR year IN 2024..2030 LOOP
        EXECUTE format('CREATE TABLE audit_logs_%s PARTITION OF audit_logs FOR VALUES FROM (%L) TO (%L)',
                       year, make_date(year, 1, 1)::timestamp, make_date(year + 1, 1, 1)::timestamp);
    END LOOP;

    -- A row whose time is not known counts as of now, which is what the column's default would have said.
    UPDATE audit_logs_unpartitioned SET "timestamp" = now() WHERE "timestamp" IS NULL;
    INSERT INTO audit_logs SELECT * FROM audit_logs_unpartitioned;
    DROP TABLE audit_logs_unpartitioned;

    ALTER TABLE audit_logs
        ADD CONSTRAINT audit_logs_pkey PRIMARY KEY (id, "timestamp"),
        ADD CONSTRAINT audit_logs_tenant_id_fkey FOREIGN KEY (tenant_id)
            REFERENCES tenants (id) ON DELETE SET NULL,
        ADD CONSTRAINT audit_logs_user_id_fkey FOREIGN KEY (user_id)
            REFERENCES users (id) ON DELETE SET NULL,
        ADD CONSTRAINT audit_logs_api_key_id_fkey FOREIGN KEY (api_key_id)
            REFERENCES api_keys (id) ON DELETE SET NULL;
END
$$;

CREATE INDEX IF NOT EXISTS idx_audit_logs_event ON audit_logs (event);
CREATE INDEX IF NOT EXISTS idx_audit_logs_metadata_gin ON audit_logs USING gin (metadata);
CREATE INDEX IF NOT EXISTS idx_audit_logs_tenant_event_timestamp ON audit_logs (tenant_id, event, "timestamp" DESC);
CREATE INDEX IF NOT EXISTS idx_audit_logs_tenant_id ON audit_logs (tenant_id);
CREATE INDEX IF NOT EXISTS idx_audit_logs_tenant_timestamp ON audit_logs (tenant_id, "timestamp" DESC);
CREATE INDEX IF NOT EXISTS idx_audit_logs_timestamp ON audit_logs ("timestamp");
CREATE INDEX IF NOT EXISTS idx_audit_logs_user_id ON audit_logs (user_id);
CREATE INDEX IF NOT EXISTS idx_audit_logs_user_timestamp ON audit_logs (user_id, "timestamp");

ALTER TABLE audit_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_logs FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant_isolation_audit_logs ON audit_logs;
CREATE POLICY tenant_isolation_audit_logs ON audit_logs
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND (audit_logs.user_id IS NULL OR EXISTS (SELECT FROM users WHERE users.id = audit_logs.user_id))
        AND (audit_logs.api_key_id IS NULL OR EXISTS (SELECT FROM api_keys WHERE api_keys.id = audit_logs.api_key_id)));

-- The policies of a partitioned table hold for queries that name it, not for those that name a partition. No partition
-- has a policy of its own, so that with row security forced on it nobody reads or writes it by its own name.
DO $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'audit_logs'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', partition);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', partition);
    END LOOP;
END
$$;

COMMIT;
