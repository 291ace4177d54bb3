-- Takes all four steps back at once, or none of them. Every row is lost.
BEGIN;
DROP TABLE IF EXISTS etl_logs;
DROP TABLE IF EXISTS lead_transactions;
DROP TABLE IF EXISTS lead_tasks;
DROP TABLE IF EXISTS newsletter_issues;
DROP TABLE IF EXISTS opportunity_metrics;
DROP TABLE IF EXISTS opportunities;
DROP TABLE IF EXISTS opportunity_runs;
DROP TABLE IF EXISTS opportunity_thresholds;
DROP TABLE IF EXISTS opportunity_hypotheses;
DROP TABLE IF EXISTS orchestrator_run_log;
COMMIT;
