SELECT coalesce(jsonb_agg(jsonb_build_object(
    'schema', n.nspname,
    'name', p.proname,
    'kind', p.prokind,
    'types', oidvectortypes(p.proargtypes),
    'arguments', pg_get_function_arguments(p.oid),
    'result', pg_get_function_result(p.oid),
    'language', l.lanname,
    'source', p.prosrc,
    'volatility', p.provolatile,
    'security_definer', p.prosecdef,
    'strict', p.proisstrict,
    'settings', to_jsonb(coalesce(p.proconfig, '{}'))
) ORDER BY n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), '[]')
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
