-- The owner of most relations that belong to no extension; the session's role if there are none.
SELECT coalesce((
    SELECT pg_get_userbyid(c.relowner)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
      AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgproof')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    GROUP BY c.relowner
    ORDER BY count(*) DESC, c.relowner
    LIMIT 1), session_user)::text
