SELECT coalesce(jsonb_agg(jsonb_build_object(
    'schema', n.nspname,
    'name', c.relname,
    'table', t.relname,
    'method', am.amname,
    'unique', i.indisunique,
    'primary', i.indisprimary,
    'valid', i.indisvalid AND i.indisready AND i.indislive,
    -- This column exists only from version 15 on.
    'nulls_not_distinct', coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
    'predicate', pg_get_expr(i.indpred, i.indrelid),
    'keys', (SELECT jsonb_agg(jsonb_build_object(
                 'expression', pg_get_indexdef(i.indexrelid, k, false),
                 'column', (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1] AND a.attnum > 0),
                 'descending', coalesce(i.indoption[k - 1] & 1 = 1, false),
                 'nulls_first', coalesce(i.indoption[k - 1] & 2 = 2, false),
                 'operator_class', CASE WHEN NOT o.opcdefault THEN o.opcname END) ORDER BY k)
             FROM generate_series(1, i.indnkeyatts) k
             LEFT JOIN pg_opclass o ON o.oid = i.indclass[k - 1]),
    'include', (SELECT coalesce(jsonb_agg(pg_get_indexdef(i.indexrelid, k, false) ORDER BY k), '[]')
                FROM generate_series(i.indnkeyatts + 1, i.indnatts) k),
    'definition', pg_get_indexdef(i.indexrelid)
) ORDER BY n.nspname, c.relname), '[]')
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_am am ON am.oid = c.relam
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = t.oid AND x.deptype = 'e')
