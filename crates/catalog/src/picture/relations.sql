-- Relations, columns, constraints, indexes, triggers, rules, policies, sequences and statistics objects.
WITH named AS (
    SELECT c.oid, c.relname, c.relkind, c.relnamespace, n.nspname,
           CASE WHEN n.nspname = 'public' THEN '' ELSE quote_ident(n.nspname) || '.' END || quote_ident(c.relname) AS name,
           CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view'
                WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
                WHEN 'c' THEN 'composite type' ELSE 'index' END AS kind
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend x
                      WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
),
relation AS (SELECT * FROM named WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f'))
-- Relations.
SELECT r.kind, r.name, NULL AS parent, a.attribute, a.value
FROM relation r
JOIN pg_class c ON c.oid = r.oid
CROSS JOIN LATERAL (VALUES
    ('kind', CASE c.relkind WHEN 'p' THEN 'partitioned' WHEN 'r' THEN 'ordinary' END),
    ('persistence', CASE c.relpersistence WHEN 'p' THEN 'permanent' WHEN 'u' THEN 'unlogged' ELSE 'temporary' END),
    ('owner', pg_get_userbyid(c.relowner)::text),
    ('privileges', (SELECT string_agg(x::text, ', ' ORDER BY x::text)
                    FROM unnest(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) x)),
    ('options', (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) o)),
    ('row security', CASE WHEN c.relkind IN ('r', 'p') THEN
        CASE WHEN NOT c.relrowsecurity THEN 'off' WHEN c.relforcerowsecurity THEN 'forced' ELSE 'enabled' END END),
    ('replica identity', CASE WHEN c.relkind IN ('r', 'p') THEN c.relreplident::text END),
    ('partition key', pg_get_partkeydef(c.oid)),
    ('partition bound', pg_get_expr(c.relpartbound, c.oid)),
    ('inherits', (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
                  FROM pg_inherits i WHERE i.inhrelid = c.oid)),
    ('definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END),
    ('access method', (SELECT m.amname::text FROM pg_am m WHERE m.oid = c.relam)),
    ('server', (SELECT f.srvname::text FROM pg_foreign_table o JOIN pg_foreign_server f ON f.oid = o.ftserver
                WHERE o.ftrelid = c.oid)),
    ('foreign options', (SELECT array_to_string(o.ftoptions, ', ') FROM pg_foreign_table o WHERE o.ftrelid = c.oid)),
    ('populated', CASE WHEN c.relkind = 'm' THEN c.relispopulated::text END),
    ('comment', obj_description(c.oid, 'pg_class'))
) a (attribute, value)
UNION ALL
-- Columns.
SELECT 'column', r.name || '.' || quote_ident(t.attname), r.kind || ' ' || r.name, a.attribute, a.value
FROM relation r
JOIN pg_attribute t ON t.attrelid = r.oid AND t.attnum > 0 AND NOT t.attisdropped
JOIN pg_type y ON y.oid = t.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = t.attrelid AND d.adnum = t.attnum
CROSS JOIN LATERAL (VALUES
    ('type', format_type(t.atttypid, t.atttypmod)),
    ('collation', CASE WHEN t.attcollation <> y.typcollation THEN t.attcollation::regcollation::text END),
    ('NOT NULL', t.attnotnull::text),
    ('default', CASE WHEN t.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END),
    ('generated as', CASE WHEN t.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) || ' ' || t.attgenerated::text END),
    ('identity', CASE t.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END),
    ('storage', CASE WHEN t.attstorage <> y.typstorage THEN t.attstorage::text END),
    ('compression', nullif(t.attcompression::text, '')),
    ('statistics target', CASE WHEN t.attstattarget >= 0 THEN t.attstattarget::text END),
    ('options', (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(t.attoptions) o)),
    ('privileges', (SELECT string_agg(x::text, ', ' ORDER BY x::text) FROM unnest(t.attacl) x)),
    ('comment', col_description(t.attrelid, t.attnum)),
    ('position', t.attnum::text)
) a (attribute, value)
WHERE r.relkind <> 'S'
UNION ALL
-- Constraints. That a column is NOT NULL is the column's, by whatever name from PostgreSQL 18 on.
SELECT 'constraint', r.name || '.' || quote_ident(k.conname), r.kind || ' ' || r.name, a.attribute, a.value
FROM relation r
JOIN pg_constraint k ON k.conrelid = r.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x')
CROSS JOIN LATERAL (VALUES
    ('definition', pg_get_constraintdef(k.oid)),
    ('inheritance', CASE WHEN k.connoinherit AND k.contype = 'c' THEN 'none' END),
    ('comment', obj_description(k.oid, 'pg_constraint'))
) a (attribute, value)
UNION ALL
-- Indexes, those of constraints included.
SELECT 'index', CASE WHEN n.nspname = 'public' THEN '' ELSE quote_ident(n.nspname) || '.' END || quote_ident(c.relname),
       r.kind || ' ' || r.name, a.attribute, a.value
FROM relation r
JOIN pg_index i ON i.indrelid = r.oid
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (VALUES
    ('definition', pg_get_indexdef(c.oid)),
    ('valid', (i.indisvalid AND i.indisready AND i.indislive)::text),
    ('clustered', nullif(i.indisclustered, false)::text),
    ('replica identity', nullif(i.indisreplident, false)::text),
    ('comment', obj_description(c.oid, 'pg_class'))
) a (attribute, value)
UNION ALL
-- Triggers, but for those that foreign keys bring.
SELECT 'trigger', quote_ident(t.tgname) || ' on ' || r.name, r.kind || ' ' || r.name, a.attribute, a.value
FROM relation r
JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
CROSS JOIN LATERAL (VALUES
    ('definition', pg_get_triggerdef(t.oid)),
    ('enabled', CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' ELSE 'always' END),
    ('comment', obj_description(t.oid, 'pg_trigger'))
) a (attribute, value)
UNION ALL
-- Rules, but for those that make views.
SELECT 'rule', quote_ident(w.rulename) || ' on ' || r.name, r.kind || ' ' || r.name, a.attribute, a.value
FROM relation r
JOIN pg_rewrite w ON w.ev_class = r.oid AND w.rulename <> '_RETURN'
CROSS JOIN LATERAL (VALUES
    ('definition', pg_get_ruledef(w.oid)),
    ('enabled', w.ev_enabled::text),
    ('comment', obj_description(w.oid, 'pg_rewrite'))
) a (attribute, value)
UNION ALL
-- Policies.
SELECT 'policy', quote_ident(p.polname) || ' on ' || r.name, r.kind || ' ' || r.name, a.attribute, a.value
FROM relation r
JOIN pg_policy p ON p.polrelid = r.oid
CROSS JOIN LATERAL (VALUES
    ('kind', CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END),
    ('command', p.polcmd::text),
    ('roles', (SELECT string_agg(CASE o WHEN 0 THEN 'public' ELSE pg_get_userbyid(o)::text END, ', '
                                 ORDER BY CASE o WHEN 0 THEN 'public' ELSE pg_get_userbyid(o)::text END) FROM unnest(p.polroles) o)),
    ('USING', pg_get_expr(p.polqual, p.polrelid)),
    ('WITH CHECK', pg_get_expr(p.polwithcheck, p.polrelid)),
    ('comment', obj_description(p.oid, 'pg_policy'))
) a (attribute, value)
UNION ALL
-- Sequences.
SELECT 'sequence', r.name, NULL, a.attribute, a.value
FROM relation r
JOIN pg_sequence s ON s.seqrelid = r.oid
CROSS JOIN LATERAL (VALUES
    ('type', format_type(s.seqtypid, NULL)),
    ('start', s.seqstart::text),
    ('increment', s.seqincrement::text),
    ('minimum', s.seqmin::text),
    ('maximum', s.seqmax::text),
    ('cache', s.seqcache::text),
    ('cycle', s.seqcycle::text),
    ('owned by', (SELECT d.refobjid::regclass::text || '.' || quote_ident(t.attname)
                  FROM pg_depend d JOIN pg_attribute t ON t.attrelid = d.refobjid AND t.attnum = d.refobjsubid
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.deptype IN ('a', 'i')
                    AND d.refclassid = 'pg_class'::regclass))
) a (attribute, value)
UNION ALL
-- Extended statistics.
SELECT 'statistics object', quote_ident(e.stxname), r.kind || ' ' || r.name, 'definition', pg_get_statisticsobjdef(e.oid)
FROM relation r
JOIN pg_statistic_ext e ON e.stxrelid = r.oid
