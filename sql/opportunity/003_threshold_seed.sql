-- Step 3: the production thresholds.
-- Safe to run again: a row that already says the same is not touched, so its updated_at stays;
-- a row that an operator changed is set back.

INSERT INTO opportunity_thresholds (metric, threshold_value, mandatory, environment) VALUES
    ('review_velocity',        10.0000, true,  'production'),
    ('provider_density',       12.0000, true,  'production'),
    ('incumbent_ratio',         0.3500, true,  'production'),
    ('sentiment_balance',      -0.1000, true,  'production'),
    ('channel_presence',        0.5000, true,  'production'),
    ('high_ticket_confidence',  0.7000, true,  'production'),
    ('lead_viability',          3.0000, false, 'production')
ON CONFLICT (metric, environment) DO UPDATE
    SET threshold_value = EXCLUDED.threshold_value,
        mandatory       = EXCLUDED.mandatory,
        updated_at      = now()
    WHERE (opportunity_thresholds.threshold_value, opportunity_thresholds.mandatory)
        IS DISTINCT FROM (EXCLUDED.threshold_value, EXCLUDED.mandatory);
