-- Step 2: the eight business tables, parents before children.
-- Safe to run again: every statement leaves an object that already exists as it is.

CREATE EXTENSION IF NOT EXISTS pgcrypto;

-- Hypotheses ---------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS opportunity_hypotheses (
    hypothesis_id uuid        NOT NULL DEFAULT gen_random_uuid(),
    niche         text        NOT NULL,
    city          text        NOT NULL,
    state         text        NOT NULL,
    rationale     text,
    source_prompt text,
    created_by    text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    status        text        NOT NULL DEFAULT 'new',
    last_run_at   timestamptz,
    analyzed_at   timestamptz,
    CONSTRAINT opportunity_hypotheses_pkey PRIMARY KEY (hypothesis_id),
    CONSTRAINT chk_opportunity_hypotheses_status CHECK (status IN (
        'new', 'ready_for_review', 'in_analysis', 'validated', 'needs_review',
        'discarded', 'in_campaign', 'monetized', 'blocked'))
);

-- The day of a hypothesis came later than the table: databases made before it get it here.
ALTER TABLE opportunity_hypotheses
    ADD COLUMN IF NOT EXISTS created_on date NOT NULL DEFAULT CURRENT_DATE;

CREATE UNIQUE INDEX IF NOT EXISTS uq_opportunity_hypotheses_niche_city_state_day
    ON opportunity_hypotheses (niche, city, state, created_on);
CREATE INDEX IF NOT EXISTS idx_opportunity_hypotheses_status ON opportunity_hypotheses (status);

COMMENT ON TABLE opportunity_hypotheses IS 'A niche in a city that may be worth pursuing';
COMMENT ON COLUMN opportunity_hypotheses.status IS 'Where the hypothesis stands, from new to monetized or blocked';
COMMENT ON COLUMN opportunity_hypotheses.source_prompt IS 'The prompt that the hypothesis came from, if a model proposed it';
COMMENT ON COLUMN opportunity_hypotheses.created_on IS 'The day of creation: the same niche and city may be proposed once a day';

-- Runs ---------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS opportunity_runs (
    run_id           uuid        NOT NULL DEFAULT gen_random_uuid(),
    hypothesis_id    uuid        NOT NULL,
    apify_run_id     text,
    city             text,
    state            text,
    search_terms     text[],
    records_ingested integer,
    warnings         text[],
    duration_ms      integer,
    run_stage        text        NOT NULL DEFAULT 'ingestion',
    started_at       timestamptz NOT NULL DEFAULT now(),
    completed_at     timestamptz,
    last_error       text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT opportunity_runs_pkey PRIMARY KEY (run_id),
    CONSTRAINT opportunity_runs_hypothesis_id_fkey FOREIGN KEY (hypothesis_id)
        REFERENCES opportunity_hypotheses (hypothesis_id) ON DELETE CASCADE,
    CONSTRAINT chk_opportunity_runs_duration_ms CHECK (duration_ms >= 0)
);

CREATE INDEX IF NOT EXISTS idx_opportunity_runs_hypothesis ON opportunity_runs (hypothesis_id);
CREATE INDEX IF NOT EXISTS idx_opportunity_runs_started_at ON opportunity_runs (started_at DESC);

COMMENT ON TABLE opportunity_runs IS 'History of the runs that gathered data for a hypothesis';
COMMENT ON COLUMN opportunity_runs.apify_run_id IS 'The scraper''s own id of the run';
COMMENT ON COLUMN opportunity_runs.run_stage IS 'The stage that the run has reached';
COMMENT ON COLUMN opportunity_runs.duration_ms IS 'Milliseconds from start to end; never negative';

-- Opportunities ------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS opportunities (
    opportunity_id      uuid        NOT NULL DEFAULT gen_random_uuid(),
    hypothesis_id       uuid        NOT NULL,
    analysis_version    integer     NOT NULL DEFAULT 1,
    status              text        NOT NULL,
    summary             text,
    recommended_actions jsonb,
    top_targets         jsonb,
    analyzed_at         timestamptz NOT NULL DEFAULT now(),
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT opportunities_pkey PRIMARY KEY (opportunity_id),
    CONSTRAINT opportunities_hypothesis_id_fkey FOREIGN KEY (hypothesis_id)
        REFERENCES opportunity_hypotheses (hypothesis_id) ON DELETE CASCADE,
    CONSTRAINT chk_opportunities_status CHECK (status IN ('validated', 'needs_review', 'discarded'))
);

-- Leads with hypothesis_id, so it serves the foreign key too.
CREATE UNIQUE INDEX IF NOT EXISTS uq_opportunities_hypothesis_version
    ON opportunities (hypothesis_id, analysis_version);
CREATE INDEX IF NOT EXISTS idx_opportunities_status_analyzed_at ON opportunities (status, analyzed_at DESC);

COMMENT ON TABLE opportunities IS 'The outcome of analysing a hypothesis, one row a version of the analysis';
COMMENT ON COLUMN opportunities.analysis_version IS 'Counts the analyses of one hypothesis, from 1';
COMMENT ON COLUMN opportunities.recommended_actions IS 'What to do next, a JSON array';
COMMENT ON COLUMN opportunities.top_targets IS 'The businesses to approach first, a JSON array';

-- Metrics ------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS opportunity_metrics (
    metrics_id     uuid        NOT NULL DEFAULT gen_random_uuid(),
    opportunity_id uuid        NOT NULL,
    metrics        jsonb       NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT opportunity_metrics_pkey PRIMARY KEY (metrics_id),
    CONSTRAINT opportunity_metrics_opportunity_id_fkey FOREIGN KEY (opportunity_id)
        REFERENCES opportunities (opportunity_id) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS idx_opportunity_metrics_opportunity ON opportunity_metrics (opportunity_id);
CREATE INDEX IF NOT EXISTS idx_opportunity_metrics_metrics_jsonb ON opportunity_metrics USING gin (metrics);

COMMENT ON TABLE opportunity_metrics IS 'What was measured of an opportunity';
COMMENT ON COLUMN opportunity_metrics.metrics IS 'Measured values by metric name; searched by containment';

-- Newsletter ---------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS newsletter_issues (
    issue_id            uuid        NOT NULL DEFAULT gen_random_uuid(),
    opportunity_id      uuid        NOT NULL,
    status              text        NOT NULL DEFAULT 'draft',
    publish_target_date date,
    subject_lines       jsonb,
    content             jsonb,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT newsletter_issues_pkey PRIMARY KEY (issue_id),
    CONSTRAINT newsletter_issues_opportunity_id_fkey FOREIGN KEY (opportunity_id)
        REFERENCES opportunities (opportunity_id) ON DELETE CASCADE,
    CONSTRAINT chk_newsletter_issue_status CHECK (status IN ('draft', 'scheduled', 'sent'))
);

CREATE INDEX IF NOT EXISTS idx_newsletter_issues_opportunity ON newsletter_issues (opportunity_id);
CREATE INDEX IF NOT EXISTS idx_newsletter_issues_status_target ON newsletter_issues (status, publish_target_date);

COMMENT ON TABLE newsletter_issues IS 'Newsletter drafts and what became of them';
COMMENT ON COLUMN newsletter_issues.subject_lines IS 'Candidate subject lines, a JSON array';
COMMENT ON COLUMN newsletter_issues.content IS 'The body as structured blocks';

-- Lead tasks ---------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS lead_tasks (
    task_id           uuid        NOT NULL DEFAULT gen_random_uuid(),
    opportunity_id    uuid        NOT NULL,
    business_id       uuid,
    contact_priority  integer,
    outreach_channels text[],
    status            text        NOT NULL DEFAULT 'pending',
    assigned_to       text,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT lead_tasks_pkey PRIMARY KEY (task_id),
    CONSTRAINT lead_tasks_opportunity_id_fkey FOREIGN KEY (opportunity_id)
        REFERENCES opportunities (opportunity_id) ON DELETE CASCADE,
    CONSTRAINT chk_lead_tasks_status CHECK (status IN ('pending', 'in_progress', 'completed', 'cancelled'))
);

CREATE INDEX IF NOT EXISTS idx_lead_tasks_opportunity ON lead_tasks (opportunity_id);
CREATE INDEX IF NOT EXISTS idx_lead_tasks_status_priority ON lead_tasks (status, contact_priority DESC);
-- Closed tasks are most of the table and nobody's work list.
CREATE INDEX IF NOT EXISTS idx_lead_tasks_assigned_open ON lead_tasks (assigned_to)
    WHERE status IN ('pending', 'in_progress');

COMMENT ON TABLE lead_tasks IS 'Outreach to be done for an opportunity';
COMMENT ON COLUMN lead_tasks.contact_priority IS 'Higher is sooner';
COMMENT ON COLUMN lead_tasks.outreach_channels IS 'Ways to reach the business, in the order to try them';

-- Lead transactions --------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS lead_transactions (
    transaction_id  uuid          NOT NULL DEFAULT gen_random_uuid(),
    opportunity_id  uuid          NOT NULL,
    partner_id      uuid,
    amount          numeric(12,2),
    lead_volume     integer,
    conversion_rate numeric(5,2),
    created_at      timestamptz   NOT NULL DEFAULT now(),
    notes           text,
    CONSTRAINT lead_transactions_pkey PRIMARY KEY (transaction_id),
    CONSTRAINT lead_transactions_opportunity_id_fkey FOREIGN KEY (opportunity_id)
        REFERENCES opportunities (opportunity_id) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS idx_lead_transactions_opportunity ON lead_transactions (opportunity_id);
CREATE INDEX IF NOT EXISTS idx_lead_transactions_partner ON lead_transactions (partner_id);

COMMENT ON TABLE lead_transactions IS 'What an opportunity earned, one row a sale of leads';
COMMENT ON COLUMN lead_transactions.amount IS 'In US dollars; negative for a refund';
COMMENT ON COLUMN lead_transactions.conversion_rate IS 'Per cent of the leads that became customers';

-- Thresholds ---------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS opportunity_thresholds (
    threshold_id    uuid          NOT NULL DEFAULT gen_random_uuid(),
    metric          text          NOT NULL,
    threshold_value numeric(10,4) NOT NULL,
    mandatory       boolean       NOT NULL DEFAULT true,
    environment     text          NOT NULL DEFAULT 'production',
    updated_at      timestamptz   NOT NULL DEFAULT now(),
    CONSTRAINT opportunity_thresholds_pkey PRIMARY KEY (threshold_id),
    CONSTRAINT opportunity_thresholds_metric_environment_key UNIQUE (metric, environment)
);

-- The scorer reads all thresholds of its environment at once, without visiting the table.
CREATE INDEX IF NOT EXISTS idx_opportunity_thresholds_environment
    ON opportunity_thresholds (environment, metric) INCLUDE (threshold_value, mandatory);

COMMENT ON TABLE opportunity_thresholds IS 'What a metric must reach for an opportunity to pass';
COMMENT ON COLUMN opportunity_thresholds.threshold_value IS 'The bound that the metric is compared with';
COMMENT ON COLUMN opportunity_thresholds.mandatory IS 'Whether missing it discards the opportunity';
COMMENT ON COLUMN opportunity_thresholds.environment IS 'The deployment that the threshold counts for';
