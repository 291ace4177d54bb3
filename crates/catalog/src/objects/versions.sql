-- A digest of the physical versions of the catalog rows of each relation, and, as relation 0, of all rows that belong to
-- no relation: it changes with every change of an object, whatever the change is.
SELECT r::text, md5(string_agg(version, ',' ORDER BY version)) FROM (
    SELECT coalesce(i.indrelid, c.oid) AS r, concat_ws(' ', 'c', c.oid, c.xmin, c.ctid) AS version
    FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
    WHERE c.oid >= 16384 AND c.relkind <> 't'
    UNION ALL
    SELECT c.oid, concat_ws(' ', 'z', z.oid, z.xmin, z.ctid) FROM pg_class c JOIN pg_class z ON z.oid = c.reltoastrelid
    WHERE c.oid >= 16384
    UNION ALL
    SELECT i.indrelid, concat_ws(' ', 'i', i.indexrelid, i.xmin, i.ctid) FROM pg_index i WHERE i.indexrelid >= 16384
    UNION ALL
    SELECT a.attrelid, concat_ws(' ', 'a', a.attnum, a.xmin, a.ctid)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attrelid >= 16384 AND a.attnum > 0 AND c.relkind NOT IN ('t', 'i', 'I')
    UNION ALL
    SELECT adrelid, concat_ws(' ', 'd', oid, xmin, ctid) FROM pg_attrdef WHERE oid >= 16384
    UNION ALL
    SELECT conrelid, concat_ws(' ', 'k', oid, xmin, ctid) FROM pg_constraint WHERE oid >= 16384
    UNION ALL
    SELECT tgrelid, concat_ws(' ', 't', oid, xmin, ctid) FROM pg_trigger WHERE oid >= 16384 AND NOT tgisinternal
    UNION ALL
    SELECT polrelid, concat_ws(' ', 'p', oid, xmin, ctid) FROM pg_policy WHERE oid >= 16384
    UNION ALL
    SELECT ev_class, concat_ws(' ', 'w', oid, xmin, ctid) FROM pg_rewrite WHERE oid >= 16384
    UNION ALL
    SELECT seqrelid, concat_ws(' ', 's', xmin, ctid) FROM pg_sequence WHERE seqrelid >= 16384
    UNION ALL
    SELECT inhrelid, concat_ws(' ', 'h', inhparent, xmin, ctid) FROM pg_inherits
    UNION ALL
    SELECT stxrelid, concat_ws(' ', 'x', oid, xmin, ctid) FROM pg_statistic_ext
    UNION ALL
    -- An owned sequence.
    SELECT objid, concat_ws(' ', 'o', refobjid, refobjsubid, xmin, ctid) FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND objid >= 16384 AND deptype IN ('a', 'i')
    UNION ALL
    SELECT coalesce(i.indrelid, k.conrelid, t.tgrelid, p.polrelid, CASE WHEN d.classoid = 'pg_class'::regclass THEN d.objoid END, 0),
           concat_ws(' ', 'n', d.classoid, d.objoid, d.objsubid, d.xmin, d.ctid)
    FROM pg_description d
    LEFT JOIN pg_index i ON d.classoid = 'pg_class'::regclass AND i.indexrelid = d.objoid
    LEFT JOIN pg_constraint k ON d.classoid = 'pg_constraint'::regclass AND k.oid = d.objoid
    LEFT JOIN pg_trigger t ON d.classoid = 'pg_trigger'::regclass AND t.oid = d.objoid
    LEFT JOIN pg_policy p ON d.classoid = 'pg_policy'::regclass AND p.oid = d.objoid
    WHERE d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass
    UNION ALL
    SELECT 0, concat_ws(' ', 'f', oid, xmin, ctid) FROM pg_proc WHERE oid >= 16384
    UNION ALL
    SELECT 0, concat_ws(' ', 'y', t.oid, t.xmin, t.ctid)
    FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.oid >= 16384 AND t.typelem = 0 AND (c.relkind IS NULL OR c.relkind = 'c')
    UNION ALL
    SELECT 0, concat_ws(' ', 'e', oid, xmin, ctid) FROM pg_enum WHERE oid >= 16384
    UNION ALL
    SELECT 0, concat_ws(' ', 'm', oid, xmin, ctid) FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'
    UNION ALL
    SELECT 0, concat_ws(' ', 'q', oid, xmin, ctid) FROM pg_extension
    UNION ALL
    SELECT 0, concat_ws(' ', 'v', oid, xmin, ctid) FROM pg_event_trigger
    UNION ALL
    SELECT 0, concat_ws(' ', 'u', oid, xmin, ctid) FROM pg_publication
    UNION ALL
    SELECT 0, concat_ws(' ', 'U', oid, xmin, ctid) FROM pg_publication_rel
    UNION ALL
    SELECT 0, concat_ws(' ', 'D', oid, xmin, ctid) FROM pg_default_acl
    UNION ALL
    SELECT 0, concat_ws(' ', 'C', oid, xmin, ctid) FROM pg_cast WHERE oid >= 16384
    UNION ALL
    SELECT 0, concat_ws(' ', 'O', oid, xmin, ctid) FROM pg_operator WHERE oid >= 16384
    UNION ALL
    SELECT 0, concat_ws(' ', 'L', oid, xmin, ctid) FROM pg_collation WHERE oid >= 16384
) AS versions
GROUP BY r
