-- The relations that this transaction has touched, and 0 if it touched an object that belongs to no relation. A change of a
-- relation takes a lock that lasts until the end of the transaction (documentation, "Explicit Locking"), except GRANT,
-- which writes pg_class or pg_attribute. Rows written are counted for the transaction, those rolled back included.
WITH written AS MATERIALIZED (
    SELECT c.oid, c.relname, pg_stat_get_xact_tuples_deleted(c.oid) AS deleted
    FROM pg_class c
    WHERE c.relkind IN ('r', 'm')
      AND (pg_stat_get_xact_tuples_inserted(c.oid) > 0 OR pg_stat_get_xact_tuples_updated(c.oid) > 0
           OR pg_stat_get_xact_tuples_deleted(c.oid) > 0)
), mine AS (
    SELECT DISTINCT l.relation AS oid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND d.datname = current_database() AND l.relation >= 16384
      AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    UNION
    SELECT c.oid FROM pg_class c
    WHERE c.oid >= 16384 AND age(c.xmin) <= age(pg_current_xact_id_if_assigned()::xid)
    UNION
    SELECT a.attrelid FROM pg_attribute a
    WHERE a.attrelid >= 16384 AND age(a.xmin) <= age(pg_current_xact_id_if_assigned()::xid)
    UNION
    SELECT w.oid FROM written w WHERE w.oid >= 16384
)
SELECT coalesce(i.indrelid, mine.oid) FROM mine LEFT JOIN pg_index i ON i.indexrelid = mine.oid
UNION
SELECT 0 FROM written w
WHERE w.oid < 16384
  AND w.relname NOT IN ('pg_class', 'pg_attribute', 'pg_index', 'pg_constraint', 'pg_attrdef', 'pg_trigger', 'pg_policy',
      'pg_rewrite', 'pg_sequence', 'pg_inherits', 'pg_depend', 'pg_shdepend', 'pg_statistic', 'pg_statistic_ext',
      'pg_statistic_ext_data', 'pg_partitioned_table')
  AND (w.relname <> 'pg_type' OR w.deleted > 0
       OR EXISTS (SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
                  WHERE t.typelem = 0 AND (c.relkind IS NULL OR c.relkind = 'c')
                    AND age(t.xmin) <= age(pg_current_xact_id_if_assigned()::xid)))
