-- The whole schema: tables, indexes, functions, triggers, row security and the daily summary.
--
-- One transaction, so that it is there as a whole or not at all, and no table is ever seen without its policies. Safe
-- to run again, on an empty database and on one that was made before there were tenants: tables and indexes that exist
-- are left as they are, columns that are missing are added, everything else is put into the state written here.
--
-- The setting app.current_tenant_id says for whom a session works. Unset, no row is visible; empty or malformed, the
-- statement fails with 22P02.

BEGIN;

CREATE EXTENSION IF NOT EXISTS "uuid-ossp";
CREATE EXTENSION IF NOT EXISTS pgcrypto;

-- The tenant that the session works for; NULL if none was ever set.
CREATE OR REPLACE FUNCTION current_tenant_id() RETURNS uuid
LANGUAGE sql STABLE
AS $$ SELECT current_setting('app.current_tenant_id', true)::uuid $$;

-- Tenants, and who works for them ------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS tenants (
    id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    name             varchar(255) NOT NULL,
    slug             varchar(255) NOT NULL,
    parent_tenant_id uuid,
    tier             varchar(50)  NOT NULL DEFAULT 'free',
    status           varchar(50)  NOT NULL DEFAULT 'active',
    quotas           jsonb        NOT NULL DEFAULT '{
        "rateLimitRpm": 1000, "storageBytes": 1073741824, "concurrentJobs": 5,
        "monthlyReconciliations": 1000, "customDomains": 0}',
    config           jsonb        NOT NULL DEFAULT '{
        "enableAdvancedMatching": false, "enableMLFeatures": false, "webhookTimeout": 30000,
        "maxRetries": 3, "dataResidencyRegion": "us", "customDomainVerified": false}',
    metadata         jsonb                 DEFAULT '{}',
    created_at       timestamp             DEFAULT now(),
    updated_at       timestamp             DEFAULT now(),
    deleted_at       timestamp,
    CONSTRAINT tenants_pkey PRIMARY KEY (id),
    CONSTRAINT tenants_slug_key UNIQUE (slug),
    CONSTRAINT tenants_parent_tenant_id_fkey FOREIGN KEY (parent_tenant_id)
        REFERENCES tenants (id) ON DELETE SET NULL
);

CREATE TABLE IF NOT EXISTS users (
    id                    uuid         NOT NULL DEFAULT gen_random_uuid(),
    tenant_id             uuid,
    email                 varchar(255) NOT NULL,
    password_hash         varchar(255) NOT NULL,
    name                  varchar(255),
    role                  varchar(50)           DEFAULT 'developer',
    data_residency_region varchar(10)           DEFAULT 'us',
    data_retention_days   integer               DEFAULT 365,
    deleted_at            timestamp,
    deletion_scheduled_at timestamp,
    created_at            timestamp             DEFAULT now(),
    updated_at            timestamp             DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_tenant_id_email_key UNIQUE (tenant_id, email),
    CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS api_keys (
    id           uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id      uuid         NOT NULL,
    tenant_id    uuid,
    key_prefix   varchar(20)  NOT NULL,
    key_hash     varchar(255) NOT NULL,
    name         varchar(255),
    scopes       text[]                DEFAULT ARRAY['jobs:read', 'jobs:write', 'reports:read'],
    rate_limit   integer               DEFAULT 1000,
    ip_whitelist text[],
    revoked_at   timestamp,
    expires_at   timestamp,
    last_used_at timestamp,
    created_at   timestamp             DEFAULT now(),
    updated_at   timestamp             DEFAULT now(),
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS revoked_tokens (
    jti        varchar(255) NOT NULL,
    revoked_at timestamp             DEFAULT now(),
    reason     text,
    expires_at timestamp    NOT NULL,
    created_at timestamp             DEFAULT now(),
    CONSTRAINT revoked_tokens_pkey PRIMARY KEY (jti)
);

CREATE TABLE IF NOT EXISTS idempotency_keys (
    id         uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id    uuid         NOT NULL,
    tenant_id  uuid,
    key        varchar(255) NOT NULL,
    response   jsonb        NOT NULL,
    created_at timestamp             DEFAULT now(),
    expires_at timestamp    NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (id),
    CONSTRAINT idempotency_keys_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
);

-- Jobs: what is reconciled, and what came of it ----------------------------------------------------

CREATE TABLE IF NOT EXISTS jobs (
    id                      uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id                 uuid         NOT NULL,
    tenant_id               uuid,
    name                    varchar(255) NOT NULL,
    source_adapter          varchar(100) NOT NULL,
    source_config_encrypted text         NOT NULL,
    target_adapter          varchar(100) NOT NULL,
    target_config_encrypted text         NOT NULL,
    rules                   jsonb        NOT NULL,
    schedule                varchar(100),
    status                  varchar(50)           DEFAULT 'active',
    version                 integer               DEFAULT 1,
    created_at              timestamp             DEFAULT now(),
    updated_at              timestamp             DEFAULT now(),
    CONSTRAINT jobs_pkey PRIMARY KEY (id),
    CONSTRAINT jobs_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT jobs_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS executions (
    id           uuid        NOT NULL DEFAULT gen_random_uuid(),
    job_id       uuid        NOT NULL,
    tenant_id    uuid,
    status       varchar(50)          DEFAULT 'running',
    started_at   timestamp            DEFAULT now(),
    completed_at timestamp,
    error        text,
    summary      jsonb,
    duration_ms  bigint,
    created_at   timestamp            DEFAULT now(),
    CONSTRAINT executions_pkey PRIMARY KEY (id),
    CONSTRAINT executions_job_id_fkey FOREIGN KEY (job_id)
        REFERENCES jobs (id) ON DELETE CASCADE,
    CONSTRAINT executions_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS matches (
    id           uuid          NOT NULL DEFAULT gen_random_uuid(),
    execution_id uuid          NOT NULL,
    job_id       uuid          NOT NULL,
    tenant_id    uuid,
    source_id    varchar(255)  NOT NULL,
    target_id    varchar(255)  NOT NULL,
    amount       numeric(10,2),
    currency     varchar(10),
    confidence   numeric(3,2),
    matched_at   timestamp              DEFAULT now(),
    created_at   timestamp              DEFAULT now(),
    CONSTRAINT matches_pkey PRIMARY KEY (id),
    CONSTRAINT matches_execution_id_fkey FOREIGN KEY (execution_id)
        REFERENCES executions (id) ON DELETE CASCADE,
    CONSTRAINT matches_job_id_fkey FOREIGN KEY (job_id)
        REFERENCES jobs (id) ON DELETE CASCADE,
    CONSTRAINT matches_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS unmatched (
    id           uuid          NOT NULL DEFAULT gen_random_uuid(),
    execution_id uuid          NOT NULL,
    job_id       uuid          NOT NULL,
    tenant_id    uuid,
    source_id    varchar(255),
    target_id    varchar(255),
    amount       numeric(10,2),
    currency     varchar(10),
    reason       text,
    created_at   timestamp              DEFAULT now(),
    CONSTRAINT unmatched_pkey PRIMARY KEY (id),
    CONSTRAINT unmatched_execution_id_fkey FOREIGN KEY (execution_id)
        REFERENCES executions (id) ON DELETE CASCADE,
    CONSTRAINT unmatched_job_id_fkey FOREIGN KEY (job_id)
        REFERENCES jobs (id) ON DELETE CASCADE,
    CONSTRAINT unmatched_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS reports (
    id               uuid      NOT NULL DEFAULT gen_random_uuid(),
    job_id           uuid      NOT NULL,
    execution_id     uuid      NOT NULL,
    tenant_id        uuid,
    date_range_start timestamp,
    date_range_end   timestamp,
    summary          jsonb     NOT NULL,
    generated_at     timestamp          DEFAULT now(),
    created_at       timestamp          DEFAULT now(),
    CONSTRAINT reports_pkey PRIMARY KEY (id),
    CONSTRAINT reports_execution_id_fkey FOREIGN KEY (execution_id)
        REFERENCES executions (id) ON DELETE CASCADE,
    CONSTRAINT reports_job_id_fkey FOREIGN KEY (job_id)
        REFERENCES jobs (id) ON DELETE CASCADE,
    CONSTRAINT reports_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

-- Webhooks: events going out, payloads coming in ---------------------------------------------------

CREATE TABLE IF NOT EXISTS webhooks (
    id         uuid          NOT NULL DEFAULT gen_random_uuid(),
    user_id    uuid          NOT NULL,
    tenant_id  uuid,
    url        varchar(2048) NOT NULL,
    events     text[]        NOT NULL,
    secret     varchar(255)  NOT NULL,
    status     varchar(50)            DEFAULT 'active',
    created_at timestamp              DEFAULT now(),
    updated_at timestamp              DEFAULT now(),
    CONSTRAINT webhooks_pkey PRIMARY KEY (id),
    CONSTRAINT webhooks_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT webhooks_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS webhook_deliveries (
    id            uuid          NOT NULL DEFAULT gen_random_uuid(),
    webhook_id    uuid          NOT NULL,
    url           varchar(2048) NOT NULL,
    payload       jsonb         NOT NULL,
    status        varchar(50),
    status_code   integer,
    response_body text,
    attempts      integer                DEFAULT 0,
    next_retry_at timestamp,
    delivered_at  timestamp,
    created_at    timestamp              DEFAULT now(),
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (id),
    CONSTRAINT webhook_deliveries_webhook_id_fkey FOREIGN KEY (webhook_id)
        REFERENCES webhooks (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS webhook_configs (
    adapter             varchar(100) NOT NULL,
    secret              varchar(255) NOT NULL,
    signature_algorithm varchar(50)           DEFAULT 'hmac-sha256',
    created_at          timestamp             DEFAULT now(),
    updated_at          timestamp             DEFAULT now(),
    CONSTRAINT webhook_configs_pkey PRIMARY KEY (adapter)
);

CREATE TABLE IF NOT EXISTS webhook_payloads (
    id           uuid         NOT NULL DEFAULT gen_random_uuid(),
    adapter      varchar(100) NOT NULL,
    tenant_id    uuid,
    payload      jsonb        NOT NULL,
    signature    varchar(255),
    received_at  timestamp             DEFAULT now(),
    processed    boolean               DEFAULT false,
    processed_at timestamp,
    error        text,
    created_at   timestamp             DEFAULT now(),
    CONSTRAINT webhook_payloads_pkey PRIMARY KEY (id),
    CONSTRAINT webhook_payloads_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

-- Records and defence ------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS audit_logs (
    id          uuid         NOT NULL DEFAULT gen_random_uuid(),
    tenant_id   uuid,
    event       varchar(100) NOT NULL,
    user_id     uuid,
    api_key_id  uuid,
    ip          varchar(45),
    user_agent  text,
    method      varchar(10),
    path        varchar(500),
    status_code integer,
    metadata    jsonb,
    "timestamp" timestamp             DEFAULT now(),
    CONSTRAINT audit_logs_pkey PRIMARY KEY (id),
    CONSTRAINT audit_logs_api_key_id_fkey FOREIGN KEY (api_key_id)
        REFERENCES api_keys (id) ON DELETE SET NULL,
    CONSTRAINT audit_logs_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE SET NULL,
    CONSTRAINT audit_logs_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE SET NULL
);

CREATE TABLE IF NOT EXISTS security_events (
    id          uuid         NOT NULL DEFAULT gen_random_uuid(),
    event_type  varchar(100) NOT NULL,
    severity    varchar(20)  NOT NULL,
    tenant_id   uuid,
    user_id     uuid,
    api_key_id  uuid,
    ip          varchar(45),
    user_agent  text,
    details     jsonb,
    resolved    boolean               DEFAULT false,
    resolved_at timestamp,
    resolved_by uuid,
    created_at  timestamp             DEFAULT now(),
    CONSTRAINT security_events_pkey PRIMARY KEY (id),
    CONSTRAINT security_events_api_key_id_fkey FOREIGN KEY (api_key_id)
        REFERENCES api_keys (id) ON DELETE SET NULL,
    CONSTRAINT security_events_resolved_by_fkey FOREIGN KEY (resolved_by)
        REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT security_events_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE SET NULL,
    CONSTRAINT security_events_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE SET NULL
);

CREATE TABLE IF NOT EXISTS blocked_ips (
    id           uuid        NOT NULL DEFAULT gen_random_uuid(),
    ip           varchar(45) NOT NULL,
    reason       text        NOT NULL,
    tenant_id    uuid,
    blocked_at   timestamp            DEFAULT now(),
    unblocked_at timestamp,
    created_at   timestamp            DEFAULT now(),
    CONSTRAINT blocked_ips_pkey PRIMARY KEY (id),
    CONSTRAINT blocked_ips_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

-- Usage and quotas ---------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS tenant_usage (
    id           uuid        NOT NULL DEFAULT gen_random_uuid(),
    tenant_id    uuid        NOT NULL,
    metric_type  varchar(50) NOT NULL,
    metric_value bigint      NOT NULL DEFAULT 0,
    period_start timestamp   NOT NULL,
    period_end   timestamp   NOT NULL,
    created_at   timestamp            DEFAULT now(),
    CONSTRAINT tenant_usage_pkey PRIMARY KEY (id),
    CONSTRAINT tenant_usage_tenant_id_metric_type_period_start_key UNIQUE (tenant_id, metric_type, period_start),
    CONSTRAINT tenant_usage_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS tenant_quota_usage (
    tenant_id                       uuid      NOT NULL,
    current_storage_bytes           bigint             DEFAULT 0,
    current_concurrent_jobs         integer            DEFAULT 0,
    current_monthly_reconciliations integer            DEFAULT 0,
    last_reset_at                   timestamp          DEFAULT now(),
    updated_at                      timestamp          DEFAULT now(),
    CONSTRAINT tenant_quota_usage_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT tenant_quota_usage_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

-- Feature flags ------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS feature_flags (
    id                 uuid         NOT NULL DEFAULT gen_random_uuid(),
    name               varchar(255) NOT NULL,
    description        text,
    enabled            boolean               DEFAULT false,
    rollout_percentage integer               DEFAULT 0,
    tenant_id          uuid,
    user_id            uuid,
    conditions         jsonb                 DEFAULT '{}',
    created_at         timestamp             DEFAULT now(),
    updated_at         timestamp             DEFAULT now(),
    deleted_at         timestamp,
    CONSTRAINT feature_flags_pkey PRIMARY KEY (id),
    CONSTRAINT feature_flags_name_tenant_id_user_id_key UNIQUE (name, tenant_id, user_id),
    CONSTRAINT feature_flags_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT feature_flags_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS feature_flag_changes (
    id              uuid      NOT NULL DEFAULT gen_random_uuid(),
    feature_flag_id uuid      NOT NULL,
    changed_by      uuid,
    old_value       jsonb,
    new_value       jsonb,
    reason          text,
    created_at      timestamp          DEFAULT now(),
    CONSTRAINT feature_flag_changes_pkey PRIMARY KEY (id),
    CONSTRAINT feature_flag_changes_changed_by_fkey FOREIGN KEY (changed_by)
        REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT feature_flag_changes_feature_flag_id_fkey FOREIGN KEY (feature_flag_id)
        REFERENCES feature_flags (id) ON DELETE CASCADE
);

-- Events: what happened, in order ------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS event_store (
    id             bigserial    NOT NULL,
    event_id       uuid         NOT NULL,
    aggregate_id   uuid         NOT NULL,
    aggregate_type varchar(100) NOT NULL,
    event_type     varchar(100) NOT NULL,
    event_version  integer      NOT NULL DEFAULT 1,
    data           jsonb        NOT NULL,
    metadata       jsonb        NOT NULL DEFAULT '{}',
    tenant_id      uuid,
    created_at     timestamp    NOT NULL DEFAULT now(),
    CONSTRAINT event_store_pkey PRIMARY KEY (id),
    CONSTRAINT event_store_event_id_key UNIQUE (event_id),
    CONSTRAINT event_store_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS snapshots (
    id               bigserial    NOT NULL,
    aggregate_id     uuid         NOT NULL,
    aggregate_type   varchar(100) NOT NULL,
    snapshot_data    jsonb        NOT NULL,
    snapshot_version integer      NOT NULL,
    event_id         uuid         NOT NULL,
    tenant_id        uuid,
    created_at       timestamp    NOT NULL DEFAULT now(),
    CONSTRAINT snapshots_pkey PRIMARY KEY (id),
    CONSTRAINT snapshots_aggregate_id_aggregate_type_snapshot_version_key
        UNIQUE (aggregate_id, aggregate_type, snapshot_version),
    CONSTRAINT snapshots_event_id_fkey FOREIGN KEY (event_id)
        REFERENCES event_store (event_id) ON DELETE CASCADE,
    CONSTRAINT snapshots_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS saga_state (
    id             uuid         NOT NULL DEFAULT gen_random_uuid(),
    saga_id        varchar(255) NOT NULL,
    saga_type      varchar(100) NOT NULL,
    aggregate_id   uuid         NOT NULL,
    current_step   varchar(100) NOT NULL,
    state          jsonb        NOT NULL DEFAULT '{}',
    status         varchar(50)  NOT NULL DEFAULT 'running',
    error_message  text,
    retry_count    integer               DEFAULT 0,
    max_retries    integer               DEFAULT 3,
    next_retry_at  timestamp,
    timeout_at     timestamp,
    tenant_id      uuid,
    correlation_id uuid,
    created_at     timestamp    NOT NULL DEFAULT now(),
    updated_at     timestamp    NOT NULL DEFAULT now(),
    completed_at   timestamp,
    CONSTRAINT saga_state_pkey PRIMARY KEY (id),
    CONSTRAINT saga_state_saga_id_saga_type_key UNIQUE (saga_id, saga_type),
    CONSTRAINT saga_state_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS dead_letter_queue (
    id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    saga_id          varchar(255),
    event_id         uuid,
    error_type       varchar(100) NOT NULL,
    error_message    text         NOT NULL,
    error_stack      text,
    payload          jsonb        NOT NULL,
    retry_count      integer               DEFAULT 0,
    max_retries      integer               DEFAULT 3,
    tenant_id        uuid,
    correlation_id   uuid,
    created_at       timestamp    NOT NULL DEFAULT now(),
    resolved_at      timestamp,
    resolution_notes text,
    CONSTRAINT dead_letter_queue_pkey PRIMARY KEY (id),
    CONSTRAINT dead_letter_queue_event_id_fkey FOREIGN KEY (event_id)
        REFERENCES event_store (event_id) ON DELETE SET NULL,
    CONSTRAINT dead_letter_queue_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

-- Projections of events: tables, whatever their names say ------------------------------------------

CREATE TABLE IF NOT EXISTS reconciliation_summary (
    reconciliation_id      uuid         NOT NULL,
    job_id                 uuid         NOT NULL,
    status                 varchar(50)  NOT NULL DEFAULT 'running',
    total_source_records   integer               DEFAULT 0,
    total_target_records   integer               DEFAULT 0,
    matched_count          integer               DEFAULT 0,
    unmatched_source_count integer               DEFAULT 0,
    unmatched_target_count integer               DEFAULT 0,
    errors_count           integer               DEFAULT 0,
    started_at             timestamp    NOT NULL DEFAULT now(),
    completed_at           timestamp,
    duration_ms            bigint,
    accuracy_percentage    numeric(5,2),
    tenant_id              uuid,
    updated_at             timestamp    NOT NULL DEFAULT now(),
    CONSTRAINT reconciliation_summary_pkey PRIMARY KEY (reconciliation_id),
    CONSTRAINT reconciliation_summary_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS tenant_usage_view (
    tenant_id            uuid    NOT NULL,
    date                 date    NOT NULL,
    reconciliation_count integer          DEFAULT 0,
    total_duration_ms    bigint           DEFAULT 0,
    success_count        integer          DEFAULT 0,
    failure_count        integer          DEFAULT 0,
    CONSTRAINT tenant_usage_view_pkey PRIMARY KEY (tenant_id, date),
    CONSTRAINT tenant_usage_view_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS error_hotspots_view (
    reconciliation_id uuid         NOT NULL,
    job_id            uuid         NOT NULL,
    error_type        varchar(100) NOT NULL,
    error_count       integer               DEFAULT 1,
    step              varchar(100) NOT NULL,
    first_occurred_at timestamp    NOT NULL DEFAULT now(),
    last_occurred_at  timestamp    NOT NULL DEFAULT now(),
    tenant_id         uuid,
    CONSTRAINT error_hotspots_view_pkey PRIMARY KEY (reconciliation_id, error_type, step),
    CONSTRAINT error_hotspots_view_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE
);

-- Databases from before there were tenants ---------------------------------------------------------

-- A row that was there before belongs to no tenant, and no tenant sees it until an administrator gives it one.
ALTER TABLE users ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT users_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT api_keys_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE idempotency_keys ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT idempotency_keys_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT jobs_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE executions ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT executions_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE matches ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT matches_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE unmatched ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT unmatched_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE reports ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT reports_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE webhooks ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT webhooks_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE webhook_payloads ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT webhook_payloads_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE audit_logs ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT audit_logs_tenant_id_fkey REFERENCES tenants (id) ON DELETE SET NULL;
ALTER TABLE security_events ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT security_events_tenant_id_fkey REFERENCES tenants (id) ON DELETE SET NULL;
ALTER TABLE blocked_ips ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT blocked_ips_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE feature_flags ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT feature_flags_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE event_store ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT event_store_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE snapshots ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT snapshots_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE saga_state ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT saga_state_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE dead_letter_queue ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT dead_letter_queue_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE reconciliation_summary ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT reconciliation_summary_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE error_hotspots_view ADD COLUMN IF NOT EXISTS tenant_id uuid
    CONSTRAINT error_hotspots_view_tenant_id_fkey REFERENCES tenants (id) ON DELETE CASCADE;

-- An address was unique in all of the database; now it is within its tenant.
ALTER TABLE users DROP CONSTRAINT IF EXISTS users_email_key;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint
                   WHERE conrelid = 'users'::regclass AND conname = 'users_tenant_id_email_key') THEN
        ALTER TABLE users ADD CONSTRAINT users_tenant_id_email_key UNIQUE (tenant_id, email);
    END IF;
END
$$;

-- Indexes ------------------------------------------------------------------------------------------

CREATE INDEX IF NOT EXISTS idx_tenants_custom_domain ON tenants USING gin ((config -> 'customDomain'));
CREATE INDEX IF NOT EXISTS idx_tenants_deleted ON tenants (deleted_at);
CREATE INDEX IF NOT EXISTS idx_tenants_parent ON tenants (parent_tenant_id);
CREATE INDEX IF NOT EXISTS idx_tenants_slug ON tenants (slug);
CREATE INDEX IF NOT EXISTS idx_tenants_status ON tenants (status);
CREATE INDEX IF NOT EXISTS idx_tenants_tier ON tenants (tier);

CREATE INDEX IF NOT EXISTS idx_users_deleted_at ON users (deleted_at);
CREATE INDEX IF NOT EXISTS idx_users_email ON users (email);
CREATE INDEX IF NOT EXISTS idx_users_email_lower ON users (tenant_id, lower(email));
CREATE INDEX IF NOT EXISTS idx_users_tenant_email ON users (tenant_id, email);
CREATE INDEX IF NOT EXISTS idx_users_tenant_id ON users (tenant_id);

CREATE INDEX IF NOT EXISTS idx_api_keys_active_tenant
    ON api_keys (tenant_id, created_at DESC) WHERE revoked_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_api_keys_prefix ON api_keys (key_prefix);
CREATE INDEX IF NOT EXISTS idx_api_keys_revoked ON api_keys (revoked_at);
CREATE INDEX IF NOT EXISTS idx_api_keys_tenant_id ON api_keys (tenant_id);
CREATE INDEX IF NOT EXISTS idx_api_keys_user_id ON api_keys (user_id);

CREATE INDEX IF NOT EXISTS idx_revoked_tokens_expires_at ON revoked_tokens (expires_at);

CREATE INDEX IF NOT EXISTS idx_idempotency_expires ON idempotency_keys (expires_at);
CREATE INDEX IF NOT EXISTS idx_idempotency_tenant_id ON idempotency_keys (tenant_id);
CREATE UNIQUE INDEX IF NOT EXISTS idx_idempotency_user_key ON idempotency_keys (user_id, key);

CREATE INDEX IF NOT EXISTS idx_jobs_active ON jobs (user_id) WHERE status = 'active';
CREATE INDEX IF NOT EXISTS idx_jobs_active_tenant_created
    ON jobs (tenant_id, created_at DESC) WHERE status = 'active';
CREATE INDEX IF NOT EXISTS idx_jobs_cursor_pagination ON jobs (tenant_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_jobs_list_covering
    ON jobs (tenant_id, created_at DESC) INCLUDE (id, name, status, source_adapter, target_adapter);
CREATE INDEX IF NOT EXISTS idx_jobs_name_lower ON jobs (tenant_id, lower(name));
CREATE INDEX IF NOT EXISTS idx_jobs_rules_gin ON jobs USING gin (rules);
CREATE INDEX IF NOT EXISTS idx_jobs_status ON jobs (status);
CREATE INDEX IF NOT EXISTS idx_jobs_tenant_created_at ON jobs (tenant_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_jobs_tenant_id ON jobs (tenant_id);
CREATE INDEX IF NOT EXISTS idx_jobs_tenant_status ON jobs (tenant_id, status);
CREATE INDEX IF NOT EXISTS idx_jobs_tenant_status_created ON jobs (tenant_id, status, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_jobs_user_id ON jobs (user_id);
CREATE INDEX IF NOT EXISTS idx_jobs_user_status ON jobs (user_id, status);

CREATE INDEX IF NOT EXISTS idx_executions_cursor_pagination ON executions (tenant_id, started_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_executions_failed_tenant_started
    ON executions (tenant_id, started_at DESC) WHERE status = 'failed';
CREATE INDEX IF NOT EXISTS idx_executions_job_id ON executions (job_id);
CREATE INDEX IF NOT EXISTS idx_executions_job_status_started ON executions (job_id, status, started_at DESC);
CREATE INDEX IF NOT EXISTS idx_executions_list_covering
    ON executions (tenant_id, started_at DESC) INCLUDE (id, job_id, status, completed_at);
CREATE INDEX IF NOT EXISTS idx_executions_running_tenant_started
    ON executions (tenant_id, started_at DESC) WHERE status = 'running';
CREATE INDEX IF NOT EXISTS idx_executions_status ON executions (status);
CREATE INDEX IF NOT EXISTS idx_executions_summary_gin ON executions USING gin (summary);
CREATE INDEX IF NOT EXISTS idx_executions_tenant_id ON executions (tenant_id);
CREATE INDEX IF NOT EXISTS idx_executions_tenant_status_started ON executions (tenant_id, status, started_at DESC);

CREATE INDEX IF NOT EXISTS idx_matches_cursor_pagination ON matches (tenant_id, matched_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_matches_execution_id ON matches (execution_id);
CREATE INDEX IF NOT EXISTS idx_matches_job_id ON matches (job_id);
CREATE INDEX IF NOT EXISTS idx_matches_job_status ON matches (job_id, confidence);
CREATE INDEX IF NOT EXISTS idx_matches_source_id ON matches (source_id);
CREATE INDEX IF NOT EXISTS idx_matches_target_id ON matches (target_id);
CREATE INDEX IF NOT EXISTS idx_matches_tenant_execution ON matches (tenant_id, execution_id, matched_at DESC);
CREATE INDEX IF NOT EXISTS idx_matches_tenant_id ON matches (tenant_id);
CREATE INDEX IF NOT EXISTS idx_matches_tenant_job_confidence ON matches (tenant_id, job_id, confidence DESC);

CREATE INDEX IF NOT EXISTS idx_unmatched_execution_id ON unmatched (execution_id);
CREATE INDEX IF NOT EXISTS idx_unmatched_job_id ON unmatched (job_id);
CREATE INDEX IF NOT EXISTS idx_unmatched_tenant_execution ON unmatched (tenant_id, execution_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_unmatched_tenant_id ON unmatched (tenant_id);

CREATE INDEX IF NOT EXISTS idx_reports_execution_id ON reports (execution_id);
CREATE INDEX IF NOT EXISTS idx_reports_job_id ON reports (job_id);
CREATE INDEX IF NOT EXISTS idx_reports_summary_gin ON reports USING gin (summary);
CREATE INDEX IF NOT EXISTS idx_reports_tenant_date_range ON reports (tenant_id, date_range_start, date_range_end);
CREATE INDEX IF NOT EXISTS idx_reports_tenant_execution ON reports (tenant_id, execution_id, generated_at DESC);
CREATE INDEX IF NOT EXISTS idx_reports_tenant_id ON reports (tenant_id);

CREATE INDEX IF NOT EXISTS idx_webhooks_active_tenant
    ON webhooks (tenant_id, created_at DESC) WHERE status = 'active';
CREATE INDEX IF NOT EXISTS idx_webhooks_status ON webhooks (status);
CREATE INDEX IF NOT EXISTS idx_webhooks_tenant_id ON webhooks (tenant_id);
CREATE INDEX IF NOT EXISTS idx_webhooks_user_id ON webhooks (user_id);

CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_payload_gin ON webhook_deliveries USING gin (payload);
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_pending_retry
    ON webhook_deliveries (webhook_id, next_retry_at) WHERE status = 'failed' AND next_retry_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_retry ON webhook_deliveries (next_retry_at) WHERE status = 'failed';
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_status ON webhook_deliveries (status);
CREATE INDEX IF NOT EXISTS idx_webhook_deliveries_webhook_id ON webhook_deliveries (webhook_id);

CREATE INDEX IF NOT EXISTS idx_webhook_payloads_adapter ON webhook_payloads (adapter);
CREATE INDEX IF NOT EXISTS idx_webhook_payloads_payload_gin ON webhook_payloads USING gin (payload);
CREATE INDEX IF NOT EXISTS idx_webhook_payloads_processed ON webhook_payloads (processed, received_at);
CREATE INDEX IF NOT EXISTS idx_webhook_payloads_tenant_id ON webhook_payloads (tenant_id);

CREATE INDEX IF NOT EXISTS idx_audit_logs_event ON audit_logs (event);
CREATE INDEX IF NOT EXISTS idx_audit_logs_metadata_gin ON audit_logs USING gin (metadata);
CREATE INDEX IF NOT EXISTS idx_audit_logs_tenant_event_timestamp ON audit_logs (tenant_id, event, "timestamp" DESC);
CREATE INDEX IF NOT EXISTS idx_audit_logs_tenant_id ON audit_logs (tenant_id);
CREATE INDEX IF NOT EXISTS idx_audit_logs_tenant_timestamp ON audit_logs (tenant_id, "timestamp" DESC);
CREATE INDEX IF NOT EXISTS idx_audit_logs_timestamp ON audit_logs ("timestamp");
CREATE INDEX IF NOT EXISTS idx_audit_logs_user_id ON audit_logs (user_id);
CREATE INDEX IF NOT EXISTS idx_audit_logs_user_timestamp ON audit_logs (user_id, "timestamp");

CREATE INDEX IF NOT EXISTS idx_security_events_created_at ON security_events (created_at);
CREATE INDEX IF NOT EXISTS idx_security_events_resolved ON security_events (resolved);
CREATE INDEX IF NOT EXISTS idx_security_events_severity ON security_events (severity);
CREATE INDEX IF NOT EXISTS idx_security_events_tenant_id ON security_events (tenant_id);
CREATE INDEX IF NOT EXISTS idx_security_events_type ON security_events (event_type);

CREATE INDEX IF NOT EXISTS idx_blocked_ips_active ON blocked_ips (ip) WHERE unblocked_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_blocked_ips_ip ON blocked_ips (ip);
CREATE INDEX IF NOT EXISTS idx_blocked_ips_tenant_id ON blocked_ips (tenant_id);
CREATE UNIQUE INDEX IF NOT EXISTS uq_blocked_ips_ip_tenant_active
    ON blocked_ips (ip, tenant_id) WHERE unblocked_at IS NULL;

CREATE INDEX IF NOT EXISTS idx_tenant_usage_period ON tenant_usage (period_start, period_end);
CREATE INDEX IF NOT EXISTS idx_tenant_usage_tenant_id ON tenant_usage (tenant_id);
CREATE INDEX IF NOT EXISTS idx_tenant_usage_type ON tenant_usage (metric_type);

CREATE INDEX IF NOT EXISTS idx_feature_flags_enabled ON feature_flags (enabled) WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_feature_flags_name ON feature_flags (name);
CREATE INDEX IF NOT EXISTS idx_feature_flags_tenant_id ON feature_flags (tenant_id);
CREATE INDEX IF NOT EXISTS idx_feature_flags_user_id ON feature_flags (user_id);

CREATE INDEX IF NOT EXISTS idx_feature_flag_changes_created_at ON feature_flag_changes (created_at);
CREATE INDEX IF NOT EXISTS idx_feature_flag_changes_flag_id ON feature_flag_changes (feature_flag_id);

CREATE INDEX IF NOT EXISTS idx_event_store_aggregate ON event_store (aggregate_id, aggregate_type, created_at);
CREATE INDEX IF NOT EXISTS idx_event_store_aggregate_replay ON event_store (aggregate_id, aggregate_type, id);
CREATE INDEX IF NOT EXISTS idx_event_store_causation ON event_store ((metadata ->> 'causation_id'), created_at);
CREATE INDEX IF NOT EXISTS idx_event_store_correlation ON event_store ((metadata ->> 'correlation_id'), created_at);
CREATE INDEX IF NOT EXISTS idx_event_store_created_at ON event_store (created_at DESC);
CREATE INDEX IF NOT EXISTS idx_event_store_tenant ON event_store (tenant_id, created_at);
CREATE INDEX IF NOT EXISTS idx_event_store_type ON event_store (event_type, created_at);

CREATE INDEX IF NOT EXISTS idx_snapshots_aggregate ON snapshots (aggregate_id, aggregate_type, snapshot_version DESC);
CREATE INDEX IF NOT EXISTS idx_snapshots_tenant ON snapshots (tenant_id, created_at);

CREATE INDEX IF NOT EXISTS idx_saga_state_correlation ON saga_state (correlation_id);
CREATE INDEX IF NOT EXISTS idx_saga_state_saga_id ON saga_state (saga_id, saga_type);
CREATE INDEX IF NOT EXISTS idx_saga_state_status
    ON saga_state (status, next_retry_at) WHERE status IN ('running', 'failed');
CREATE INDEX IF NOT EXISTS idx_saga_state_tenant ON saga_state (tenant_id, status);
CREATE INDEX IF NOT EXISTS idx_saga_state_timeout
    ON saga_state (timeout_at) WHERE status = 'running' AND timeout_at IS NOT NULL;

CREATE INDEX IF NOT EXISTS idx_dlq_saga ON dead_letter_queue (saga_id);
CREATE INDEX IF NOT EXISTS idx_dlq_tenant ON dead_letter_queue (tenant_id, created_at);
CREATE INDEX IF NOT EXISTS idx_dlq_unresolved ON dead_letter_queue (resolved_at) WHERE resolved_at IS NULL;

CREATE INDEX IF NOT EXISTS idx_reconciliation_summary_job ON reconciliation_summary (job_id);
CREATE INDEX IF NOT EXISTS idx_reconciliation_summary_started ON reconciliation_summary (started_at DESC);
CREATE INDEX IF NOT EXISTS idx_reconciliation_summary_status ON reconciliation_summary (status);
CREATE INDEX IF NOT EXISTS idx_reconciliation_summary_tenant ON reconciliation_summary (tenant_id);

CREATE INDEX IF NOT EXISTS idx_tenant_usage_date ON tenant_usage_view (date DESC);
CREATE INDEX IF NOT EXISTS idx_tenant_usage_tenant_date ON tenant_usage_view (tenant_id, date DESC);

CREATE INDEX IF NOT EXISTS idx_error_hotspots_job ON error_hotspots_view (job_id);
CREATE INDEX IF NOT EXISTS idx_error_hotspots_last_occurred ON error_hotspots_view (last_occurred_at DESC);
CREATE INDEX IF NOT EXISTS idx_error_hotspots_step ON error_hotspots_view (step);
CREATE INDEX IF NOT EXISTS idx_error_hotspots_tenant ON error_hotspots_view (tenant_id);
CREATE INDEX IF NOT EXISTS idx_error_hotspots_type ON error_hotspots_view (error_type);

-- Functions: quotas, addresses, events -------------------------------------------------------------

-- Whether a tenant may use so much more of a quota. The type is a key of tenants.quotas. A tenant that cannot be seen
-- may use nothing; a tenant of whom no usage is recorded has used nothing yet.
CREATE OR REPLACE FUNCTION check_tenant_quota(p_tenant_id uuid, p_quota_type text, p_requested_value bigint)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_limit bigint;
    v_used  bigint;
BEGIN
    SELECT (quotas ->> p_quota_type)::bigint INTO v_limit FROM tenants WHERE id = p_tenant_id AND deleted_at IS NULL;
    SELECT CASE p_quota_type
               WHEN 'storageBytes' THEN current_storage_bytes
               WHEN 'concurrentJobs' THEN current_concurrent_jobs
               WHEN 'monthlyReconciliations' THEN
                   CASE WHEN last_reset_at >= date_trunc('month', now()) THEN current_monthly_reconciliations ELSE 0 END
           END
      INTO v_used
      FROM tenant_quota_usage
     WHERE tenant_id = p_tenant_id;
    RETURN coalesce(coalesce(v_used, 0) + p_requested_value <= v_limit, false);
END
$$;

-- Records that a tenant has used so much more of a quota, or less where the value is negative. What is counted by the
-- month begins anew with the first use in a month.
CREATE OR REPLACE FUNCTION increment_tenant_quota_usage(p_tenant_id uuid, p_quota_type text, p_value bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF p_quota_type NOT IN ('storageBytes', 'concurrentJobs', 'monthlyReconciliations') THEN
        RAISE EXCEPTION 'no usage is counted of quota %', p_quota_type USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO tenant_quota_usage (tenant_id) VALUES (p_tenant_id) ON CONFLICT (tenant_id) DO NOTHING;
    UPDATE tenant_quota_usage
       SET current_storage_bytes = greatest(0, current_storage_bytes
               + CASE p_quota_type WHEN 'storageBytes' THEN p_value ELSE 0 END),
           current_concurrent_jobs = greatest(0, current_concurrent_jobs
               + CASE p_quota_type WHEN 'concurrentJobs' THEN p_value ELSE 0 END),
           current_monthly_reconciliations = greatest(0,
               CASE WHEN last_reset_at >= date_trunc('month', now()) THEN current_monthly_reconciliations ELSE 0 END
               + CASE p_quota_type WHEN 'monthlyReconciliations' THEN p_value ELSE 0 END),
           last_reset_at = greatest(last_reset_at, date_trunc('month', now())),
           updated_at = now()
     WHERE tenant_id = p_tenant_id;
END
$$;

-- Whether an address is blocked, for everybody or for this tenant. Without a tenant the caller sees no block at all:
-- rather than call every address free, that is an error.
CREATE OR REPLACE FUNCTION is_ip_blocked(p_ip varchar, p_tenant_id uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF row_security_active('blocked_ips') AND current_tenant_id() IS NULL THEN
        RAISE EXCEPTION 'app.current_tenant_id is not set, so blocks cannot be seen'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN EXISTS (
        SELECT FROM blocked_ips
        WHERE ip = p_ip AND unblocked_at IS NULL AND (tenant_id IS NULL OR tenant_id = p_tenant_id));
END
$$;

-- A revoked token that has expired is refused for that alone, and need not be remembered.
CREATE OR REPLACE FUNCTION cleanup_expired_revoked_tokens() RETURNS void
LANGUAGE sql VOLATILE
AS $$ DELETE FROM revoked_tokens WHERE expires_at < now() $$;

CREATE OR REPLACE FUNCTION get_latest_snapshot(p_aggregate_id uuid, p_aggregate_type varchar)
RETURNS TABLE (snapshot_data jsonb, snapshot_version integer, event_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT s.snapshot_data, s.snapshot_version, s.event_id
    FROM snapshots s
    WHERE s.aggregate_id = p_aggregate_id AND s.aggregate_type = p_aggregate_type
    ORDER BY s.snapshot_version DESC
    LIMIT 1
$$;

-- The events that came after the one a snapshot was taken at; all of them if there is no snapshot of this version.
CREATE OR REPLACE FUNCTION get_events_after_snapshot(
    p_aggregate_id uuid, p_aggregate_type varchar, p_snapshot_version integer)
RETURNS TABLE (
    event_id uuid, event_type varchar, event_version integer, data jsonb, metadata jsonb, created_at timestamp)
LANGUAGE sql STABLE
AS $$
    SELECT e.event_id, e.event_type, e.event_version, e.data, e.metadata, e.created_at
    FROM event_store e
    WHERE e.aggregate_id = p_aggregate_id AND e.aggregate_type = p_aggregate_type
      AND e.id > coalesce((
          SELECT taken.id
          FROM snapshots s JOIN event_store taken ON taken.event_id = s.event_id
          WHERE s.aggregate_id = p_aggregate_id AND s.aggregate_type = p_aggregate_type
            AND s.snapshot_version = p_snapshot_version), 0)
    ORDER BY e.id
$$;

CREATE OR REPLACE FUNCTION get_all_events_for_aggregate(p_aggregate_id uuid, p_aggregate_type varchar)
RETURNS TABLE (
    event_id uuid, event_type varchar, event_version integer, data jsonb, metadata jsonb, created_at timestamp)
LANGUAGE sql STABLE
AS $$
    SELECT e.event_id, e.event_type, e.event_version, e.data, e.metadata, e.created_at
    FROM event_store e
    WHERE e.aggregate_id = p_aggregate_id AND e.aggregate_type = p_aggregate_type
    ORDER BY e.id
$$;

-- Triggers: a row without a tenant gets that of what it belongs to ---------------------------------

CREATE OR REPLACE FUNCTION propagate_tenant_id_to_jobs() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.tenant_id IS NULL THEN
        SELECT tenant_id INTO NEW.tenant_id FROM users WHERE id = NEW.user_id;
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER set_job_tenant_id BEFORE INSERT ON jobs
    FOR EACH ROW EXECUTE FUNCTION propagate_tenant_id_to_jobs();

CREATE OR REPLACE FUNCTION propagate_tenant_id_to_executions() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.tenant_id IS NULL THEN
        SELECT tenant_id INTO NEW.tenant_id FROM jobs WHERE id = NEW.job_id;
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER set_execution_tenant_id BEFORE INSERT ON executions
    FOR EACH ROW EXECUTE FUNCTION propagate_tenant_id_to_executions();

CREATE OR REPLACE FUNCTION propagate_tenant_id_to_matches() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.tenant_id IS NULL THEN
        SELECT tenant_id INTO NEW.tenant_id FROM executions WHERE id = NEW.execution_id;
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER set_match_tenant_id BEFORE INSERT ON matches
    FOR EACH ROW EXECUTE FUNCTION propagate_tenant_id_to_matches();

CREATE OR REPLACE FUNCTION propagate_tenant_id_to_unmatched() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.tenant_id IS NULL THEN
        SELECT tenant_id INTO NEW.tenant_id FROM executions WHERE id = NEW.execution_id;
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER set_unmatched_tenant_id BEFORE INSERT ON unmatched
    FOR EACH ROW EXECUTE FUNCTION propagate_tenant_id_to_unmatched();

CREATE OR REPLACE FUNCTION propagate_tenant_id_to_reports() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.tenant_id IS NULL THEN
        SELECT tenant_id INTO NEW.tenant_id FROM executions WHERE id = NEW.execution_id;
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER set_report_tenant_id BEFORE INSERT ON reports
    FOR EACH ROW EXECUTE FUNCTION propagate_tenant_id_to_reports();

CREATE OR REPLACE FUNCTION propagate_tenant_id_to_webhooks() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.tenant_id IS NULL THEN
        SELECT tenant_id INTO NEW.tenant_id FROM users WHERE id = NEW.user_id;
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER set_webhook_tenant_id BEFORE INSERT ON webhooks
    FOR EACH ROW EXECUTE FUNCTION propagate_tenant_id_to_webhooks();

CREATE OR REPLACE FUNCTION propagate_tenant_id_to_api_keys() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.tenant_id IS NULL THEN
        SELECT tenant_id INTO NEW.tenant_id FROM users WHERE id = NEW.user_id;
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER set_api_key_tenant_id BEFORE INSERT ON api_keys
    FOR EACH ROW EXECUTE FUNCTION propagate_tenant_id_to_api_keys();

CREATE OR REPLACE FUNCTION propagate_tenant_id_to_idempotency_keys() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.tenant_id IS NULL THEN
        SELECT tenant_id INTO NEW.tenant_id FROM users WHERE id = NEW.user_id;
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER set_idempotency_key_tenant_id BEFORE INSERT ON idempotency_keys
    FOR EACH ROW EXECUTE FUNCTION propagate_tenant_id_to_idempotency_keys();

-- Row security -------------------------------------------------------------------------------------

-- Forced on every table, so that the owner of the tables is bound as well; only superusers and roles with BYPASSRLS
-- are not. A foreign key is checked with its owner's rights and would accept another tenant's row, so WITH CHECK asks
-- that the rows which a row points at be visible to whoever writes it.

-- Whatever policies these tables had, from here on they have those below and no others.
DO $$
DECLARE
    old record;
BEGIN
    FOR old IN SELECT policyname, tablename FROM pg_policies
               WHERE schemaname = current_schema() AND tablename IN (
        'tenants', 'users', 'api_keys', 'revoked_tokens', 'idempotency_keys', 'jobs', 'executions', 'matches',
        'unmatched', 'reports', 'webhooks', 'webhook_deliveries', 'webhook_configs', 'webhook_payloads',
        'audit_logs', 'security_events', 'blocked_ips', 'tenant_usage', 'tenant_quota_usage', 'feature_flags',
        'feature_flag_changes', 'event_store', 'snapshots', 'saga_state', 'dead_letter_queue',
        'reconciliation_summary', 'tenant_usage_view', 'error_hotspots_view')
    LOOP
        EXECUTE format('DROP POLICY %I ON %I', old.policyname, old.tablename);
    END LOOP;
END
$$;

-- A tenant sees itself. Tenants are made, changed and removed by an administrator: for that there is no policy.
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_tenants ON tenants FOR SELECT
    USING (id = current_tenant_id());

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_users ON users
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id());

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_api_keys ON api_keys
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND EXISTS (SELECT FROM users WHERE users.id = api_keys.user_id));

-- revoked_tokens has none: a token is looked up by its number before it is known whose it is, and a row holds nothing
-- of a tenant's.

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_idempotency_keys ON idempotency_keys
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND EXISTS (SELECT FROM users WHERE users.id = idempotency_keys.user_id));

ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_jobs ON jobs
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND EXISTS (SELECT FROM users WHERE users.id = jobs.user_id));

ALTER TABLE executions ENABLE ROW LEVEL SECURITY;
ALTER TABLE executions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_executions ON executions
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND EXISTS (SELECT FROM jobs WHERE jobs.id = executions.job_id));

ALTER TABLE matches ENABLE ROW LEVEL SECURITY;
ALTER TABLE matches FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_matches ON matches
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND EXISTS (SELECT FROM executions WHERE executions.id = matches.execution_id)
        AND EXISTS (SELECT FROM jobs WHERE jobs.id = matches.job_id));

ALTER TABLE unmatched ENABLE ROW LEVEL SECURITY;
ALTER TABLE unmatched FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_unmatched ON unmatched
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND EXISTS (SELECT FROM executions WHERE executions.id = unmatched.execution_id)
        AND EXISTS (SELECT FROM jobs WHERE jobs.id = unmatched.job_id));

ALTER TABLE reports ENABLE ROW LEVEL SECURITY;
ALTER TABLE reports FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_reports ON reports
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND EXISTS (SELECT FROM executions WHERE executions.id = reports.execution_id)
        AND EXISTS (SELECT FROM jobs WHERE jobs.id = reports.job_id));

ALTER TABLE webhooks ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhooks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_webhooks ON webhooks
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND EXISTS (SELECT FROM users WHERE users.id = webhooks.user_id));

-- Decided: a delivery belongs to the tenant of its webhook.
ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_webhook_deliveries ON webhook_deliveries
    USING (EXISTS (
        SELECT FROM webhooks
        WHERE webhooks.id = webhook_deliveries.webhook_id AND webhooks.tenant_id = current_tenant_id()))
    WITH CHECK (EXISTS (
        SELECT FROM webhooks
        WHERE webhooks.id = webhook_deliveries.webhook_id AND webhooks.tenant_id = current_tenant_id()));

-- Decided: the secrets of the adapters belong to the operator, not to any tenant; no tenant may see or change them.
ALTER TABLE webhook_configs ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_configs FORCE ROW LEVEL SECURITY;
CREATE POLICY operator_only_webhook_configs ON webhook_configs
    USING (false)
    WITH CHECK (false);

ALTER TABLE webhook_payloads ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_payloads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_webhook_payloads ON webhook_payloads
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id());

ALTER TABLE audit_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_logs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_audit_logs ON audit_logs
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND (audit_logs.user_id IS NULL OR EXISTS (SELECT FROM users WHERE users.id = audit_logs.user_id))
        AND (audit_logs.api_key_id IS NULL OR EXISTS (SELECT FROM api_keys WHERE api_keys.id = audit_logs.api_key_id)));

-- Decided: an event belongs to the tenant that it names. One without a tenant concerns the operator, and no tenant
-- sees it.
ALTER TABLE security_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE security_events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_security_events ON security_events
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND (security_events.user_id IS NULL OR EXISTS (SELECT FROM users WHERE users.id = security_events.user_id))
        AND (security_events.api_key_id IS NULL
            OR EXISTS (SELECT FROM api_keys WHERE api_keys.id = security_events.api_key_id))
        AND (security_events.resolved_by IS NULL
            OR EXISTS (SELECT FROM users WHERE users.id = security_events.resolved_by)));

-- Decided: a tenant sees and makes its own blocks. A block without a tenant holds for everybody: each tenant sees it,
-- and none may change it.
ALTER TABLE blocked_ips ENABLE ROW LEVEL SECURITY;
ALTER TABLE blocked_ips FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_blocked_ips ON blocked_ips
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id());
CREATE POLICY shared_blocked_ips ON blocked_ips FOR SELECT
    USING (tenant_id IS NULL AND current_tenant_id() IS NOT NULL);

ALTER TABLE tenant_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_usage FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_tenant_usage ON tenant_usage
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id());

ALTER TABLE tenant_quota_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_quota_usage FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_tenant_quota_usage ON tenant_quota_usage
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id());

-- Decided: a tenant has its own flags. A flag without a tenant is the default for everybody: each tenant sees it, and
-- none may change it.
ALTER TABLE feature_flags ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_flags FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_feature_flags ON feature_flags
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND (feature_flags.user_id IS NULL OR EXISTS (SELECT FROM users WHERE users.id = feature_flags.user_id)));
CREATE POLICY shared_feature_flags ON feature_flags FOR SELECT
    USING (tenant_id IS NULL AND current_tenant_id() IS NOT NULL);

-- Decided: a change belongs to the tenant of its flag. Changes of the flags for everybody name the operator's people,
-- and no tenant sees them.
ALTER TABLE feature_flag_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_flag_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_feature_flag_changes ON feature_flag_changes
    USING (EXISTS (
        SELECT FROM feature_flags
        WHERE feature_flags.id = feature_flag_changes.feature_flag_id
          AND feature_flags.tenant_id = current_tenant_id()))
    WITH CHECK (EXISTS (
        SELECT FROM feature_flags
        WHERE feature_flags.id = feature_flag_changes.feature_flag_id
          AND feature_flags.tenant_id = current_tenant_id())
        AND (changed_by IS NULL OR EXISTS (SELECT FROM users WHERE users.id = feature_flag_changes.changed_by)));

ALTER TABLE event_store ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_store FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_event_store ON event_store
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id());

ALTER TABLE snapshots ENABLE ROW LEVEL SECURITY;
ALTER TABLE snapshots FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_snapshots ON snapshots
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND EXISTS (SELECT FROM event_store WHERE event_store.event_id = snapshots.event_id));

ALTER TABLE saga_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE saga_state FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_saga_state ON saga_state
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id());

ALTER TABLE dead_letter_queue ENABLE ROW LEVEL SECURITY;
ALTER TABLE dead_letter_queue FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_dlq ON dead_letter_queue
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id()
        AND (dead_letter_queue.event_id IS NULL
            OR EXISTS (SELECT FROM event_store WHERE event_store.event_id = dead_letter_queue.event_id)));

ALTER TABLE reconciliation_summary ENABLE ROW LEVEL SECURITY;
ALTER TABLE reconciliation_summary FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_reconciliation_summary ON reconciliation_summary
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id());

ALTER TABLE tenant_usage_view ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_usage_view FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_tenant_usage_view ON tenant_usage_view
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id());

ALTER TABLE error_hotspots_view ENABLE ROW LEVEL SECURITY;
ALTER TABLE error_hotspots_view FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation_error_hotspots_view ON error_hotspots_view
    USING (tenant_id = current_tenant_id())
    WITH CHECK (tenant_id = current_tenant_id());

-- The daily summary --------------------------------------------------------------------------------

-- What was reconciled, per tenant and day. The unique index lets it be refreshed CONCURRENTLY. Row security cannot be
-- put on a materialized view, and this one holds the rows of all tenants: nobody gets a privilege on it. Tenants read
-- it through the view below, which runs with its owner's rights and lets through the tenant's own rows alone. Whoever
-- refreshes it has to be one whom policies do not bind (a superuser, or BYPASSRLS): for anybody else it would be empty.
-- A summary of another form, from before, is made anew.
DO $$
BEGIN
    IF (SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = to_regclass('mv_reconciliation_summary_daily') AND attnum > 0 AND NOT attisdropped)
       <> 'tenant_id day execution_count completed_count failed_count total_duration_ms last_completed_at' THEN
        DROP MATERIALIZED VIEW mv_reconciliation_summary_daily CASCADE;
    END IF;
END
$$;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_reconciliation_summary_daily AS
SELECT tenant_id,
       started_at::date AS day,
       count(*) AS execution_count,
       count(*) FILTER (WHERE status = 'completed') AS completed_count,
       count(*) FILTER (WHERE status = 'failed') AS failed_count,
       coalesce(sum(duration_ms), 0)::bigint AS total_duration_ms,
       max(completed_at) AS last_completed_at
FROM executions
WHERE tenant_id IS NOT NULL
GROUP BY tenant_id, started_at::date;

CREATE UNIQUE INDEX IF NOT EXISTS uq_mv_reconciliation_summary_daily_tenant_day
    ON mv_reconciliation_summary_daily (tenant_id, day);

CREATE OR REPLACE VIEW tenant_reconciliation_summary_daily WITH (security_barrier = true) AS
SELECT tenant_id, day, execution_count, completed_count, failed_count, total_duration_ms, last_completed_at
FROM mv_reconciliation_summary_daily
WHERE tenant_id = current_tenant_id();

COMMIT;
