-- Takes step 4 back.
DROP TABLE IF EXISTS etl_logs;
