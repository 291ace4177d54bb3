-- The statements that give database :copy the settings that belong to database :template. A list of names is stored as
-- one text, which anybody may have written: each name becomes a literal.
SELECT CASE WHEN r.oid IS NULL THEN format('ALTER DATABASE %I', :copy)
            ELSE format('ALTER ROLE %I IN DATABASE %I', r.rolname, :copy) END
    || format(' SET %s TO %s', name.quoted,
        CASE WHEN s.name IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
            THEN list.quoted ELSE quote_literal(s.value) END)
FROM pg_db_role_setting d
JOIN pg_database b ON b.oid = d.setdatabase
LEFT JOIN pg_roles r ON r.oid = d.setrole,
     unnest(d.setconfig) AS c (entry),
     LATERAL (SELECT split_part(c.entry, '=', 1), substr(c.entry, strpos(c.entry, '=') + 1)) AS s (name, value),
     LATERAL (SELECT string_agg(quote_ident(part), '.') FROM unnest(string_to_array(s.name, '.')) AS part) AS name (quoted),
     LATERAL (SELECT coalesce(string_agg(quote_literal(coalesce(replace(part[1], '""', '"'), lower(part[2]))), ', '), '''''')
              FROM regexp_matches(s.value, '"((?:[^"]|"")*)"|([^",[:space:]]+)', 'g') AS part) AS list (quoted)
WHERE b.datname = :template
ORDER BY 1
