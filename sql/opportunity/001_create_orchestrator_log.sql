-- Step 1: the orchestrator's log, one row a stage of a run.
-- Safe to run again: every statement leaves an object that already exists as it is.

-- gen_random_uuid() is built in from PostgreSQL 13 on; pgcrypto serves digests and older servers.
CREATE EXTENSION IF NOT EXISTS pgcrypto;

CREATE TABLE IF NOT EXISTS orchestrator_run_log (
    log_id        uuid        NOT NULL DEFAULT gen_random_uuid(),
    run_id        uuid        NOT NULL,
    -- No foreign key: the log is written before the hypotheses' tables exist and outlives their rows.
    hypothesis_id uuid,
    stage         text        NOT NULL,
    status        text        NOT NULL,
    duration_ms   integer,
    started_at    timestamptz NOT NULL DEFAULT now(),
    completed_at  timestamptz,
    error         jsonb,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orchestrator_run_log_pkey PRIMARY KEY (log_id),
    CONSTRAINT chk_orchestrator_run_log_status
        CHECK (status IN ('running', 'completed', 'failed', 'skipped')),
    CONSTRAINT chk_orchestrator_run_log_duration_ms CHECK (duration_ms >= 0)
);

CREATE INDEX IF NOT EXISTS idx_orchestrator_run_log_hypothesis_id ON orchestrator_run_log (hypothesis_id);
CREATE INDEX IF NOT EXISTS idx_orchestrator_run_log_started_at ON orchestrator_run_log (started_at DESC);

COMMENT ON TABLE orchestrator_run_log IS 'What the orchestrator did: one row for each stage of each run';
COMMENT ON COLUMN orchestrator_run_log.error IS 'The failure of a stage as a JSON document; NULL unless status is failed';
