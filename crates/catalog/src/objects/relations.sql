-- Relations, columns, constraints, indexes, triggers, rules, policies, sequences and statistics objects: kind, schema,
-- relation that the object belongs to, name, arguments, kind and name of the object on which its existence depends, and
-- its properties by name. `read.rs` replaces `TRUE -- which` by the condition that chooses relations.
WITH named AS (
    SELECT c.oid, c.relname, c.relkind, c.relnamespace, n.nspname,
           CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view'
                WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
                WHEN 'c' THEN 'composite type' ELSE 'index' END AS kind
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend x
                      WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
),
relation AS (SELECT * FROM named WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
             AND TRUE -- which
)
-- Relations.
SELECT r.kind, r.nspname AS schema, NULL AS relation, r.relname::text AS name, NULL AS arguments,
       NULL AS parent_kind, NULL AS parent, a.properties
FROM relation r
JOIN pg_class c ON c.oid = r.oid
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'partitioning', CASE c.relkind WHEN 'p' THEN 'partitioned' WHEN 'r' THEN 'none' END,
    'tablespace', (SELECT s.spcname::text FROM pg_tablespace s WHERE s.oid = c.reltablespace),
    'persistence', CASE c.relpersistence WHEN 'p' THEN 'permanent' WHEN 'u' THEN 'unlogged' ELSE 'temporary' END,
    'owner', pg_get_userbyid(c.relowner)::text,
    'privileges', (SELECT string_agg(x::text, ', ' ORDER BY x::text)
                    FROM unnest(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) x),
    'options', (SELECT string_agg(o, ', ' ORDER BY o)
                 FROM (SELECT unnest(c.reloptions) AS o UNION ALL
                       SELECT 'toast.' || unnest(x.reloptions) FROM pg_class x WHERE x.oid = c.reltoastrelid) o),
    'row security', CASE WHEN c.relkind IN ('r', 'p') THEN CASE WHEN c.relrowsecurity THEN 'enabled' ELSE 'disabled' END END,
    'forced row security', CASE WHEN c.relkind IN ('r', 'p') THEN CASE WHEN c.relforcerowsecurity THEN 'enabled' ELSE 'disabled' END END,
    'replica identity', CASE WHEN c.relkind IN ('r', 'p') THEN c.relreplident::text END,
    'partition key', pg_get_partkeydef(c.oid),
    'partition bound', pg_get_expr(c.relpartbound, c.oid),
    'inherits', (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
                  FROM pg_inherits i WHERE i.inhrelid = c.oid),
    'definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
    'access method', (SELECT m.amname::text FROM pg_am m WHERE m.oid = c.relam),
    'server', (SELECT f.srvname::text FROM pg_foreign_table o JOIN pg_foreign_server f ON f.oid = o.ftserver
                WHERE o.ftrelid = c.oid),
    'foreign options', (SELECT array_to_string(o.ftoptions, ', ') FROM pg_foreign_table o WHERE o.ftrelid = c.oid),
    'populated', CASE WHEN c.relkind = 'm' THEN c.relispopulated::text END,
    'comment', obj_description(c.oid, 'pg_class')
)) a (properties)
UNION ALL
-- Columns.
SELECT 'column', r.nspname, r.relname, t.attname::text, NULL, r.kind, r.relname, a.properties
FROM relation r
JOIN pg_attribute t ON t.attrelid = r.oid AND t.attnum > 0 AND NOT t.attisdropped
JOIN pg_type y ON y.oid = t.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = t.attrelid AND d.adnum = t.attnum
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'type', format_type(t.atttypid, t.atttypmod),
    'collation', CASE WHEN t.attcollation <> y.typcollation THEN t.attcollation::regcollation::text END,
    'NOT NULL', t.attnotnull::text,
    'default', CASE WHEN t.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
    'generated as', CASE WHEN t.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) || ' ' || t.attgenerated::text END,
    'identity', CASE t.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END,
    'storage', CASE WHEN t.attstorage <> y.typstorage THEN t.attstorage::text END,
    'compression', nullif(t.attcompression::text, ''),
    'statistics target', CASE WHEN t.attstattarget >= 0 THEN t.attstattarget::text END,
    'options', (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(t.attoptions) o),
    'privileges', (SELECT string_agg(x::text, ', ' ORDER BY x::text) FROM unnest(t.attacl) x),
    'comment', col_description(t.attrelid, t.attnum),
    'position', t.attnum::text
)) a (properties)
WHERE r.relkind <> 'S'
UNION ALL
-- Constraints. NOT NULL is a property of the column, whatever the constraint is named from PostgreSQL 18 on.
SELECT 'constraint', r.nspname, r.relname, k.conname::text, NULL, r.kind, r.relname, a.properties
FROM relation r
JOIN pg_constraint k ON k.conrelid = r.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x')
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    -- What the properties below cover is not repeated.
    'definition', CASE k.contype WHEN 'c' THEN 'CHECK' WHEN 'f' THEN 'FOREIGN KEY' ||
                       coalesce(substring(pg_get_constraintdef(k.oid) FROM ' (?:SET NULL|SET DEFAULT) (\(.*\))'), '')
                   ELSE regexp_replace(pg_get_constraintdef(k.oid), '( NOT)? DEFERRABLE| INITIALLY (DEFERRED|IMMEDIATE)', '', 'g') END,
    'expression', CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid) END,
    'validated', CASE WHEN k.contype IN ('c', 'f') THEN k.convalidated::text END,
    -- From 18 on.
    'enforced', CASE WHEN k.contype IN ('c', 'f') THEN coalesce(to_jsonb(k) ->> 'conenforced', 'true') END,
    'deferrable', CASE WHEN k.contype <> 'c' THEN CASE WHEN k.condeferred THEN 'initially deferred' WHEN k.condeferrable THEN 'initially immediate' ELSE 'no' END END,
    'columns', CASE WHEN k.contype = 'f' THEN (SELECT string_agg(quote_ident(t.attname), ', ' ORDER BY u.at)
                                                FROM unnest(k.conkey) WITH ORDINALITY u (num, at)
                                                JOIN pg_attribute t ON t.attrelid = k.conrelid AND t.attnum = u.num) END,
    'references', CASE WHEN k.contype = 'f' THEN k.confrelid::regclass::text || ' (' ||
                       (SELECT string_agg(quote_ident(t.attname), ', ' ORDER BY u.at)
                        FROM unnest(k.confkey) WITH ORDINALITY u (num, at)
                        JOIN pg_attribute t ON t.attrelid = k.confrelid AND t.attnum = u.num) || ')' END,
    'on delete', CASE WHEN k.contype = 'f' THEN CASE k.confdeltype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END END,
    'on update', CASE WHEN k.contype = 'f' THEN CASE k.confupdtype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END END,
    'match', CASE WHEN k.contype = 'f' THEN CASE k.confmatchtype WHEN 'f' THEN 'FULL' WHEN 'p' THEN 'PARTIAL' ELSE 'SIMPLE' END END,
    'inheritance', CASE WHEN k.connoinherit AND k.contype = 'c' THEN 'none' END,
    'comment', obj_description(k.oid, 'pg_constraint')
)) a (properties)
UNION ALL
-- Indexes, including those of constraints.
SELECT 'index', n.nspname, NULL, c.relname::text, NULL, r.kind, r.relname, a.properties
FROM relation r
JOIN pg_index i ON i.indrelid = r.oid
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'definition', 'on ' || r.oid::regclass::text || CASE WHEN i.indisexclusion THEN ' (exclusion)' ELSE '' END,
    'access method', (SELECT m.amname::text FROM pg_am m WHERE m.oid = c.relam),
    'unique', i.indisunique::text,
    'NULLS NOT DISTINCT', CASE WHEN i.indisunique THEN coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'false') END,
    'key columns', (SELECT string_agg(concat_ws(' ', pg_get_indexdef(i.indexrelid, n, false),
                                CASE WHEN i.indcollation[n - 1] <> 0 AND i.indcollation[n - 1] IS DISTINCT FROM
                                         -- An expression has the default collation, unless it says another.
                                         coalesce((SELECT t.attcollation FROM pg_attribute t WHERE t.attrelid = i.indrelid AND t.attnum = i.indkey[n - 1] AND t.attnum > 0), 100)
                                     THEN 'COLLATE ' || i.indcollation[n - 1]::regcollation::text END,
                                CASE WHEN NOT o.opcdefault THEN o.opcname::text END,
                                nullif(array_to_string(a.attoptions, ', '), ''),
                                CASE WHEN i.indoption[n - 1] & 1 = 1 THEN 'DESC' END,
                                CASE WHEN (i.indoption[n - 1] & 1 = 1) <> (i.indoption[n - 1] & 2 = 2)
                                     THEN CASE WHEN i.indoption[n - 1] & 2 = 2 THEN 'NULLS FIRST' ELSE 'NULLS LAST' END END), ', ' ORDER BY n)
                     FROM generate_series(1, i.indnkeyatts) n
                     LEFT JOIN pg_opclass o ON o.oid = i.indclass[n - 1]
                     LEFT JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum = n),
    'INCLUDE', (SELECT string_agg(pg_get_indexdef(i.indexrelid, n, false), ', ' ORDER BY n)
                 FROM generate_series(i.indnkeyatts + 1, i.indnatts) n),
    'predicate', pg_get_expr(i.indpred, i.indrelid),
    'options', (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) o),
    'tablespace', (SELECT s.spcname::text FROM pg_tablespace s WHERE s.oid = c.reltablespace),
    'statistics target', (SELECT string_agg(a.attnum || ': ' || a.attstattarget, ', ' ORDER BY a.attnum)
                           FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0),
    'valid', (i.indisvalid AND i.indisready AND i.indislive)::text,
    'clustered', nullif(i.indisclustered, false)::text,
    'replica identity', nullif(i.indisreplident, false)::text,
    'comment', obj_description(c.oid, 'pg_class')
)) a (properties)
UNION ALL
-- Triggers, except those of foreign keys.
SELECT 'trigger', r.nspname, r.relname, t.tgname::text, NULL, r.kind, r.relname, a.properties
FROM relation r
JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'timing', CASE WHEN t.tgtype & 64 <> 0 THEN 'INSTEAD OF' WHEN t.tgtype & 2 <> 0 THEN 'BEFORE' ELSE 'AFTER' END,
    'level', CASE WHEN t.tgtype & 1 <> 0 THEN 'ROW' ELSE 'STATEMENT' END,
    'events', concat_ws(' OR ', CASE WHEN t.tgtype & 4 <> 0 THEN 'INSERT' END,
                   CASE WHEN t.tgtype & 16 <> 0 THEN 'UPDATE' ||
                       coalesce(' OF ' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname) FROM pg_attribute a
                                           WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr)), '') END,
                   CASE WHEN t.tgtype & 8 <> 0 THEN 'DELETE' END, CASE WHEN t.tgtype & 32 <> 0 THEN 'TRUNCATE' END),
    'function', (SELECT CASE WHEN NOT pg_function_is_visible(f.oid) THEN f.pronamespace::regnamespace || '.' ELSE '' END || quote_ident(f.proname)
                  FROM pg_proc f WHERE f.oid = t.tgfoid),
    'arguments', CASE WHEN t.tgnargs > 0 THEN encode(t.tgargs, 'escape') END,
    'WHEN', substring(pg_get_triggerdef(t.oid) FROM ' WHEN \((.*)\) EXECUTE '),
    'deferrable', CASE WHEN t.tgconstraint <> 0 THEN CASE WHEN t.tginitdeferred THEN 'initially deferred' WHEN t.tgdeferrable THEN 'initially immediate' ELSE 'no' END END,
    -- Transition tables.
    'references', nullif(concat_ws(', ', 'old ' || t.tgoldtable, 'new ' || t.tgnewtable), ''),
    'enabled', CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' ELSE 'always' END,
    'comment', obj_description(t.oid, 'pg_trigger')
)) a (properties)
UNION ALL
-- Rules, except those that define views.
SELECT 'rule', r.nspname, r.relname, w.rulename::text, NULL, r.kind, r.relname, a.properties
FROM relation r
JOIN pg_rewrite w ON w.ev_class = r.oid AND w.rulename <> '_RETURN'
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'definition', pg_get_ruledef(w.oid),
    'enabled', w.ev_enabled::text,
    'comment', obj_description(w.oid, 'pg_rewrite')
)) a (properties)
UNION ALL
-- Policies.
SELECT 'policy', r.nspname, r.relname, p.polname::text, NULL, r.kind, r.relname, a.properties
FROM relation r
JOIN pg_policy p ON p.polrelid = r.oid
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'policy kind', CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
    'command', CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END,
    'roles', (SELECT string_agg(CASE o WHEN 0 THEN 'public' ELSE pg_get_userbyid(o)::text END, ', '
                                 ORDER BY CASE o WHEN 0 THEN 'public' ELSE pg_get_userbyid(o)::text END) FROM unnest(p.polroles) o),
    'USING', pg_get_expr(p.polqual, p.polrelid),
    'WITH CHECK', pg_get_expr(p.polwithcheck, p.polrelid),
    'comment', obj_description(p.oid, 'pg_policy')
)) a (properties)
UNION ALL
-- Sequences.
SELECT 'sequence', r.nspname, NULL, r.relname::text, NULL, NULL, NULL, a.properties
FROM relation r
JOIN pg_sequence s ON s.seqrelid = r.oid
CROSS JOIN LATERAL json_strip_nulls(json_build_object(
    'type', format_type(s.seqtypid, NULL),
    'start', s.seqstart::text,
    'increment', s.seqincrement::text,
    'minimum', s.seqmin::text,
    'maximum', s.seqmax::text,
    'cache', s.seqcache::text,
    'cycle', s.seqcycle::text,
    'owned by', (SELECT d.refobjid::regclass::text || '.' || quote_ident(t.attname)
                  FROM pg_depend d JOIN pg_attribute t ON t.attrelid = d.refobjid AND t.attnum = d.refobjsubid
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.deptype IN ('a', 'i')
                    AND d.refclassid = 'pg_class'::regclass)
)) a (properties)
UNION ALL
-- Extended statistics.
SELECT 'statistics object', (SELECT n.nspname FROM pg_namespace n WHERE n.oid = e.stxnamespace), NULL, e.stxname::text, NULL, r.kind, r.relname,
       json_build_object('definition', pg_get_statisticsobjdef(e.oid))
FROM relation r
JOIN pg_statistic_ext e ON e.stxrelid = r.oid
