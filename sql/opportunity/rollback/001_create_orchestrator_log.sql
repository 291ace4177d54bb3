-- Takes step 1 back. pgcrypto stays: it may have been there before, and others may use it.
DROP TABLE IF EXISTS orchestrator_run_log;
