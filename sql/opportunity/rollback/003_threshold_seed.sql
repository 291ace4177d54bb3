-- Takes step 3 back: the production thresholds, other environments' stay.
-- Without the table (step 2 already taken back) there is nothing to do.
DO $$
BEGIN
    IF to_regclass('opportunity_thresholds') IS NOT NULL THEN
        DELETE FROM opportunity_thresholds WHERE environment = 'production';
    END IF;
END
$$;
