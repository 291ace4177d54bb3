-- Limit and use of the server for ordinary roles, of the role, and of the database; a limit of -1 is none.
WITH client AS (
    SELECT usesysid, datid FROM pg_stat_activity
    WHERE backend_type = 'client backend' OR backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL
)
SELECT
    current_setting('max_connections')::int
        - CASE WHEN rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int
            + coalesce(current_setting('reserved_connections', true), '0')::int END,
    (SELECT count(*) FROM client),
    CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END,
    (SELECT count(*) FROM client WHERE usesysid = r.oid),
    CASE WHEN rolsuper THEN -1 ELSE datconnlimit END,
    (SELECT count(*) FROM client WHERE datid = d.oid)
FROM pg_roles r, pg_database d
WHERE rolname = current_user AND datname = current_database()
