SELECT coalesce(jsonb_agg(jsonb_build_object(
    'schema', n.nspname,
    'name', t.typname,
    'kind', t.typtype,
    'labels', (SELECT coalesce(jsonb_agg(e.enumlabel ORDER BY e.enumsortorder), '[]') FROM pg_enum e WHERE e.enumtypid = t.oid),
    'spelled', format_type(t.oid, NULL),
    'base', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE format_type(r.rngsubtype, NULL) END,
    'checks', (SELECT coalesce(jsonb_agg(pg_get_constraintdef(k.oid) ORDER BY k.conname), '[]')
               FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'),
    'attributes', (SELECT coalesce(jsonb_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum), '[]')
                   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'multirange', format_type(r.rngmultitypid, NULL),
    'comment', obj_description(t.oid, 'pg_type')
) ORDER BY n.nspname, t.typname), '[]')
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
LEFT JOIN pg_range r ON r.rngtypid = t.oid
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND t.typtype IN ('e', 'd', 'c', 'r') AND (c.oid IS NULL OR c.relkind = 'c')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_type'::regclass AND x.objid = t.oid AND x.deptype = 'e')
