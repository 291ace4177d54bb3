-- Relations, functions and types that belong to no extension and no system schema, and whether the role has what their
-- owner has.
SELECT kind, nspname, name, rolname, pg_has_role(owner, 'USAGE')
FROM (
    SELECT 'relation' AS kind, 'pg_class'::regclass AS class, oid, relnamespace AS namespace, relname AS name, relowner AS owner
    FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT 'function', 'pg_proc'::regclass, oid, pronamespace, proname, proowner FROM pg_proc
    UNION ALL
    SELECT 'type', 'pg_type'::regclass, oid, typnamespace, typname, typowner FROM pg_type WHERE typtype IN ('e', 'd', 'r')
) AS objects
JOIN pg_namespace n ON n.oid = namespace
JOIN pg_roles r ON r.oid = owner
WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
    AND NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = objects.class AND d.objid = objects.oid AND d.deptype IN ('e', 'i')
    )
ORDER BY kind, nspname, name
