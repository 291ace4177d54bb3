-- Takes step 2 back, children before parents. No CASCADE: what came later must go first.
DROP TABLE IF EXISTS lead_transactions;
DROP TABLE IF EXISTS lead_tasks;
DROP TABLE IF EXISTS newsletter_issues;
DROP TABLE IF EXISTS opportunity_metrics;
DROP TABLE IF EXISTS opportunities;
DROP TABLE IF EXISTS opportunity_runs;
DROP TABLE IF EXISTS opportunity_thresholds;
DROP TABLE IF EXISTS opportunity_hypotheses;
