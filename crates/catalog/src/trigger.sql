SELECT coalesce(jsonb_agg(jsonb_build_object(
    'schema', n.nspname,
    'table', c.relname,
    'name', t.tgname,
    'timing', CASE WHEN t.tgtype & 64 <> 0 THEN 'instead_of' WHEN t.tgtype & 2 <> 0 THEN 'before' ELSE 'after' END,
    'level', CASE WHEN t.tgtype & 1 <> 0 THEN 'row' ELSE 'statement' END,
    'events', to_jsonb(array_remove(ARRAY[
        CASE WHEN t.tgtype & 4 <> 0 THEN 'insert' END,
        CASE WHEN t.tgtype & 16 <> 0 THEN 'update' END,
        CASE WHEN t.tgtype & 8 <> 0 THEN 'delete' END,
        CASE WHEN t.tgtype & 32 <> 0 THEN 'truncate' END], NULL)),
    'columns', (SELECT coalesce(jsonb_agg(a.attname ORDER BY a.attname), '[]') FROM pg_attribute a
                WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr)),
    'condition', substring(pg_get_triggerdef(t.oid) FROM ' WHEN \((.*)\) EXECUTE '),
    'function', f.proname,
    'enabled', t.tgenabled IN ('O', 'A')
) ORDER BY n.nspname, c.relname, t.tgname), '[]')
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_proc f ON f.oid = t.tgfoid
WHERE NOT t.tgisinternal AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
