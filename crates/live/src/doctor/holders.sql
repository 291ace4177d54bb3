-- Sessions of others that hold locks on tables of this database, each with one of its tables.
SELECT l.pid, l.virtualtransaction, min(l.relation::regclass::text),
    extract(epoch FROM clock_timestamp() - min(a.xact_start))::bigint,
    bool_or(a.state LIKE 'idle in transaction%')
FROM pg_locks l
JOIN pg_class c ON c.oid = l.relation AND c.relnamespace <> 'pg_catalog'::regnamespace
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY l.pid, l.virtualtransaction
ORDER BY l.pid
