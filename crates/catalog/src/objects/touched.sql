-- What this transaction has touched, as kind and value: relations and sequences by OID, how many rows it has written, and
-- whether it touched objects that belong to no relation. A change of a relation, and of its rows, takes a lock that lasts
-- until the end of the transaction (documentation, "Explicit Locking"), as does a number taken from a sequence, even if the
-- statement is rolled back; except GRANT, which writes pg_class or pg_attribute. Rows written are counted for the
-- transaction, those rolled back included.
WITH locked AS MATERIALIZED (
    SELECT DISTINCT l.relation AS oid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND d.datname = current_database() AND l.relation >= 16384
      AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
), written AS MATERIALIZED (
    SELECT w.*, w.inserted + w.updated + w.deleted AS rows
    FROM (SELECT c.oid, c.relname, pg_stat_get_xact_tuples_inserted(c.oid) AS inserted,
                 pg_stat_get_xact_tuples_updated(c.oid) AS updated, pg_stat_get_xact_tuples_deleted(c.oid) AS deleted
          FROM pg_class c
          WHERE c.oid < 16384 AND c.relkind = 'r'
          UNION ALL
          SELECT l.oid, NULL, pg_stat_get_xact_tuples_inserted(l.oid), pg_stat_get_xact_tuples_updated(l.oid),
                 pg_stat_get_xact_tuples_deleted(l.oid)
          FROM locked l) w
), mine AS (
    SELECT l.oid FROM locked l
    UNION
    SELECT c.oid FROM pg_class c
    WHERE EXISTS (SELECT FROM written w WHERE w.relname = 'pg_class' AND w.updated > 0)
      AND c.oid >= 16384 AND c.relacl IS NOT NULL AND age(c.xmin) <= (SELECT age(pg_current_xact_id_if_assigned()::xid))
    UNION
    SELECT a.attrelid FROM pg_attribute a
    WHERE EXISTS (SELECT FROM written w WHERE w.relname = 'pg_attribute' AND w.updated > 0)
      AND a.attrelid >= 16384 AND age(a.xmin) <= (SELECT age(pg_current_xact_id_if_assigned()::xid))
)
SELECT DISTINCT CASE WHEN (SELECT c.relkind FROM pg_class c WHERE c.oid = mine.oid) = 'S' THEN 'sequence' ELSE 'relation' END,
       coalesce((SELECT i.indrelid FROM pg_index i WHERE i.indexrelid = mine.oid), mine.oid)::text
FROM mine
UNION ALL
SELECT 'rows written', coalesce(sum(w.rows), 0)::text FROM written w
UNION ALL
-- Catalogs in which relations have rows, too, are left to mixed.sql.
SELECT 'others', w.relname::text FROM written w
WHERE w.rows > 0 AND w.oid < 16384
  AND w.relname NOT IN ('pg_class', 'pg_attribute', 'pg_index', 'pg_constraint', 'pg_attrdef', 'pg_trigger', 'pg_policy',
      'pg_rewrite', 'pg_sequence', 'pg_inherits', 'pg_depend', 'pg_shdepend', 'pg_statistic', 'pg_statistic_ext',
      'pg_statistic_ext_data', 'pg_partitioned_table', 'pg_type', 'pg_description')
UNION ALL
-- The attributes of a composite type are those of a relation.
SELECT 'others', c.relname::text FROM pg_class c JOIN mine ON mine.oid = c.oid WHERE c.relkind = 'c'
