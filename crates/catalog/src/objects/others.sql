-- Schemas, functions, types, extensions and objects of the database as a whole, in the columns of relations.sql.
WITH own AS (
    SELECT n.oid, n.nspname
    FROM pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend x
                      WHERE x.classid = 'pg_namespace'::regclass AND x.objid = n.oid AND x.deptype = 'e')
)
SELECT 'schema' AS kind, NULL AS schema, NULL AS relation, o.nspname::text AS name, NULL AS arguments,
       NULL AS parent_kind, NULL AS parent, a.properties
FROM own o
JOIN pg_namespace n ON n.oid = o.oid
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'owner', pg_get_userbyid(n.nspowner)::text,
    'privileges', (SELECT string_agg(x::text, ', ' ORDER BY x::text)
                    FROM unnest(coalesce(n.nspacl, acldefault('n', n.nspowner))) x),
    'comment', obj_description(n.oid, 'pg_namespace')
)) a (properties)
UNION ALL
-- Functions, procedures and aggregates: one for each list of arguments.
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
       o.nspname, NULL, p.proname::text, oidvectortypes(p.proargtypes), NULL, NULL, a.properties
FROM own o
JOIN pg_proc p ON p.pronamespace = o.oid
LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'arguments', nullif(pg_get_function_arguments(p.oid), ''),
    'result', pg_get_function_result(p.oid),
    'language', (SELECT l.lanname::text FROM pg_language l WHERE l.oid = p.prolang),
    'body', CASE WHEN p.prokind <> 'a' THEN coalesce(pg_get_function_sqlbody(p.oid), concat_ws(' in ', p.prosrc, p.probin)) END,
    'volatility', CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END,
    'security', CASE WHEN p.prosecdef THEN 'DEFINER' ELSE 'INVOKER' END,
    'strict', p.proisstrict::text,
    'parallel', CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END,
    'leakproof', p.proleakproof::text,
    'settings', (SELECT string_agg(c, ', ' ORDER BY c) FROM unnest(p.proconfig) c),
    'cost', concat_ws(' ', p.procost, p.prorows, nullif(p.prosupport::oid, 0)::regproc),
    'definition', CASE WHEN p.prokind <> 'a' THEN CASE p.prokind WHEN 'w' THEN 'WINDOW' END
                        ELSE concat_ws(' ', g.aggkind, g.aggtransfn, g.aggfinalfn, g.aggtranstype::regtype, g.agginitval) END,
    'owner', pg_get_userbyid(p.proowner)::text,
    'privileges', (SELECT string_agg(x::text, ', ' ORDER BY x::text)
                    FROM unnest(coalesce(p.proacl, acldefault('f', p.proowner))) x),
    'comment', obj_description(p.oid, 'pg_proc')
)) a (properties)
WHERE NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
UNION ALL
-- Types, except those of tables and arrays.
SELECT CASE t.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite type'
       WHEN 'r' THEN 'range type' ELSE 'type' END, o.nspname, NULL, t.typname::text, NULL, NULL, NULL, a.properties
FROM own o
JOIN pg_type t ON t.typnamespace = o.oid
LEFT JOIN pg_class c ON c.oid = t.typrelid
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'labels', (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                FROM pg_enum e WHERE e.enumtypid = t.oid),
    'attributes', CASE WHEN t.typtype = 'c' THEN
        (SELECT string_agg(quote_ident(f.attname) || ' ' || format_type(f.atttypid, f.atttypmod), ', ' ORDER BY f.attnum)
         FROM pg_attribute f WHERE f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped) END,
    'base type', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
    'NOT NULL', CASE WHEN t.typtype = 'd' THEN t.typnotnull::text END,
    'default', CASE WHEN t.typtype = 'd' THEN t.typdefault END,
    'subtype', (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid),
    'owner', pg_get_userbyid(t.typowner)::text,
    'privileges', (SELECT string_agg(x::text, ', ' ORDER BY x::text)
                    FROM unnest(coalesce(t.typacl, acldefault('T', t.typowner))) x),
    'comment', obj_description(t.oid, 'pg_type')
)) a (properties)
WHERE (t.typtype IN ('d', 'e', 'r', 'b') OR t.typtype = 'c' AND c.relkind = 'c') AND t.typelem = 0
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_type'::regclass AND x.objid = t.oid AND x.deptype IN ('e', 'i'))
UNION ALL
SELECT 'domain constraint', o.nspname, t.typname::text, k.conname::text, NULL, 'domain', t.typname::text, a.properties
FROM own o
JOIN pg_type t ON t.typnamespace = o.oid
JOIN pg_constraint k ON k.contypid = t.oid AND k.contype = 'c'
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'expression', pg_get_constraintdef(k.oid),
    'validated', k.convalidated::text,
    'comment', obj_description(k.oid, 'pg_constraint')
)) a (properties)
WHERE NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_type'::regclass AND x.objid = t.oid AND x.deptype IN ('e', 'i'))
UNION ALL
SELECT 'extension', NULL, NULL, e.extname::text, NULL, NULL, NULL, a.properties
FROM pg_extension e
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'version', e.extversion,
    'schema', e.extnamespace::regnamespace::text,
    -- Unless it is what the extension itself says.
    'comment', CASE WHEN obj_description(e.oid, 'pg_extension') IS DISTINCT FROM
        (SELECT x.comment FROM pg_available_extensions() x WHERE x.name = e.extname)
        THEN coalesce(obj_description(e.oid, 'pg_extension'), 'none') END
)) a (properties)
UNION ALL
SELECT 'event trigger', NULL, NULL, t.evtname::text, NULL, NULL, NULL, a.properties
FROM pg_event_trigger t
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'event', t.evtevent::text,
    'function', t.evtfoid::regproc::text,
    'tags', (SELECT string_agg(g, ', ' ORDER BY g) FROM unnest(t.evttags) g),
    'enabled', t.evtenabled::text,
    'owner', pg_get_userbyid(t.evtowner)::text,
    'comment', obj_description(t.oid, 'pg_event_trigger')
)) a (properties)
UNION ALL
SELECT 'publication', NULL, NULL, p.pubname::text, NULL, NULL, NULL, a.properties
FROM pg_publication p
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'commands', concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                           CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),
    'tables', CASE WHEN p.puballtables THEN 'all'
        -- Columns and conditions were added in 15; the statement position inside a condition is omitted.
        ELSE (SELECT string_agg(concat_ws(' ', t.prrelid::regclass::text, to_jsonb(t) ->> 'prattrs',
                     md5(regexp_replace(to_jsonb(t) ->> 'prqual', ':location -?\d+', '', 'g'))),
                     ', ' ORDER BY t.prrelid::regclass::text)
              FROM pg_publication_rel t WHERE t.prpubid = p.oid) END,
    'owner', pg_get_userbyid(p.pubowner)::text,
    'comment', obj_description(p.oid, 'pg_publication')
)) a (properties)
UNION ALL
SELECT 'default privileges', NULL, NULL, concat_ws(' ', 'of', pg_get_userbyid(d.defaclrole)::text, 'on',
           CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::text END,
           CASE WHEN d.defaclnamespace <> 0 THEN 'in ' || d.defaclnamespace::regnamespace::text END), NULL, NULL, NULL,
       json_strip_nulls(json_build_object('privileges', (SELECT string_agg(x::text, ', ' ORDER BY x::text) FROM unnest(d.defaclacl) x)))
FROM pg_default_acl d
UNION ALL
SELECT 'cast', NULL, NULL, format_type(c.castsource, NULL) || ' to ' || format_type(c.casttarget, NULL), NULL, NULL, NULL, a.properties
FROM pg_cast c
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'function', nullif(c.castfunc, 0)::regprocedure::text,
    'context', c.castcontext::text
)) a (properties)
WHERE c.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_cast'::regclass AND x.objid = c.oid AND x.deptype = 'e')
UNION ALL
SELECT 'operator', NULL, NULL, p.oid::regoperator::text, NULL, NULL, NULL, json_build_object('function', p.oprcode::text)
FROM pg_operator p
JOIN own o ON o.oid = p.oprnamespace
WHERE NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_operator'::regclass AND x.objid = p.oid AND x.deptype = 'e')
UNION ALL
SELECT 'collation', o.nspname, NULL, c.collname::text, NULL, NULL, NULL, json_build_object('definition',
           concat_ws(' ', c.collprovider, c.collcollate, c.collctype, c.collisdeterministic))
FROM pg_collation c
JOIN own o ON o.oid = c.collnamespace
WHERE NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_collation'::regclass AND x.objid = c.oid AND x.deptype = 'e')
