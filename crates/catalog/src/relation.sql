SELECT coalesce(jsonb_agg(jsonb_build_object(
    'schema', n.nspname,
    'name', c.relname,
    'kind', c.relkind,
    'is_partition', c.relispartition,
    'inherits', (SELECT coalesce(jsonb_agg(jsonb_build_object('schema', pn.nspname, 'name', pc.relname) ORDER BY i.inhseqno), '[]')
                 FROM pg_inherits i JOIN pg_class pc ON pc.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = pc.relnamespace
                 WHERE i.inhrelid = c.oid),
    'partition_key', pg_get_partkeydef(c.oid),
    'bound', pg_get_expr(c.relpartbound, c.oid),
    'options', to_jsonb(coalesce(c.reloptions, '{}')),
    'definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
    'row_security', c.relrowsecurity,
    'row_security_forced', c.relforcerowsecurity,
    'comment', obj_description(c.oid, 'pg_class'),
    'columns', (
        WITH RECURSIVE base (attnum, type, typmod) AS (
            SELECT a.attnum, a.atttypid, a.atttypmod FROM pg_attribute a WHERE a.attrelid = c.oid
            UNION ALL
            SELECT b.attnum, t.typbasetype, t.typtypmod
            FROM base b JOIN pg_type t ON t.oid = b.type AND t.typtype = 'd'
        )
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'name', a.attname,
            'type', jsonb_build_object(
                'name', format_type(a.atttypid, a.atttypmod),
                'base', format_type(b.type, b.typmod),
                'kind', bt.typtype,
                'category', bt.typcategory,
                'element', CASE WHEN bt.typcategory = 'A' THEN format_type(bt.typelem, b.typmod) END,
                'labels', (SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder)
                           FROM pg_enum e WHERE e.enumtypid IN (bt.oid, CASE WHEN bt.typcategory = 'A' THEN bt.typelem END)),
                'domain', CASE WHEN at.typtype = 'd' THEN at.typnamespace::regnamespace::text || '.' || quote_ident(at.typname) END,
                'domain_checks', (SELECT jsonb_agg(pg_get_constraintdef(k.oid) ORDER BY k.conname)
                                  FROM pg_constraint k WHERE k.contypid = at.oid AND k.contype = 'c')
            ),
            'not_null', a.attnotnull OR at.typnotnull,
            'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
            'generated_as', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
            'generation', CASE
                WHEN a.attidentity = 'a' THEN 'identity_always'
                WHEN a.attidentity = 'd' THEN 'identity_by_default'
                WHEN a.attgenerated <> '' THEN 'generated'
                ELSE 'none' END,
            'comment', col_description(c.oid, a.attnum)
        ) ORDER BY a.attnum), '[]')
        FROM pg_attribute a
        JOIN pg_type at ON at.oid = a.atttypid
        JOIN base b ON b.attnum = a.attnum
        JOIN pg_type bt ON bt.oid = b.type AND bt.typtype <> 'd'
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    )
) ORDER BY n.nspname, c.relname), '[]')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
