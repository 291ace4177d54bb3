-- Step 4: the ingestion workflows' log.
-- Safe to run again: every statement leaves an object that already exists as it is.

CREATE TABLE IF NOT EXISTS etl_logs (
    log_id     uuid        NOT NULL DEFAULT gen_random_uuid(),
    -- No foreign key: a workflow logs before its run is recorded, and after it was deleted.
    run_id     uuid,
    stage      text        NOT NULL,
    severity   text        NOT NULL DEFAULT 'info',
    message    text        NOT NULL,
    metadata   jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT etl_logs_pkey PRIMARY KEY (log_id),
    CONSTRAINT chk_etl_logs_severity
        CHECK (severity IN ('debug', 'info', 'warning', 'error', 'critical'))
);

CREATE INDEX IF NOT EXISTS idx_etl_logs_run_id ON etl_logs (run_id);
CREATE INDEX IF NOT EXISTS idx_etl_logs_created_at ON etl_logs (created_at DESC);

COMMENT ON TABLE etl_logs IS 'What the ingestion workflows report, for debugging';
COMMENT ON COLUMN etl_logs.metadata IS 'Whatever the stage wants to keep beside its message';
