-- The tables that have files, which is to say rows, with their columns and the partitioned tables they belong to.
SELECT c.oid, n.nspname, c.relname, pn.nspname, p.relname, pg_relation_size(c.oid), a.attnum, a.attname
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_class p ON c.relispartition AND p.oid = pg_partition_root(c.oid)
LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE c.oid >= 16384 AND c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.oid, a.attnum
