SELECT coalesce(jsonb_agg(jsonb_build_object(
    'schema', n.nspname,
    'table', c.relname,
    'domain', t.typname,
    'name', k.conname,
    'kind', k.contype,
    'columns', (SELECT coalesce(jsonb_agg(a.attname ORDER BY u.place), '[]')
                FROM unnest(k.conkey) WITH ORDINALITY u (attnum, place)
                JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
    'definition', pg_get_constraintdef(k.oid),
    'expression', CASE WHEN k.conrelid <> 0 THEN pg_get_expr(k.conbin, k.conrelid) END,
    'references', CASE WHEN k.contype = 'f' THEN jsonb_build_object(
        'schema', fn.nspname,
        'table', f.relname,
        'columns', (SELECT jsonb_agg(a.attname ORDER BY u.place)
                    FROM unnest(k.confkey) WITH ORDINALITY u (attnum, place)
                    JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum),
        'on_delete', k.confdeltype,
        'on_update', k.confupdtype) END,
    'deferrable', k.condeferrable,
    'validated', k.convalidated
) ORDER BY n.nspname, c.relname, t.typname, k.conname), '[]')
FROM pg_constraint k
JOIN pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_class c ON c.oid = k.conrelid
LEFT JOIN pg_type t ON t.oid = k.contypid
LEFT JOIN pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND k.contype IN ('p', 'u', 'f', 'c', 'x')
  AND NOT EXISTS (SELECT FROM pg_depend x
                  WHERE x.deptype = 'e' AND (x.classid, x.objid) IN (('pg_class'::regclass, k.conrelid), ('pg_type'::regclass, k.contypid)))
