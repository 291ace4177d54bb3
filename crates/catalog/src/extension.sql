SELECT coalesce(jsonb_agg(jsonb_build_object(
    'name', e.extname,
    'schema', n.nspname,
    'version', e.extversion
) ORDER BY e.extname), '[]')
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
