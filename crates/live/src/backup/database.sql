-- What belongs to a database and is in no dump of it, as one JSON object. Columns of pg_database differ between versions, so
-- the row is read as JSON.
SELECT json_build_object(
    'owner', pg_get_userbyid(d.datdba),
    'encoding', pg_encoding_to_char(d.encoding),
    'collate', d.datcollate,
    'ctype', d.datctype,
    'provider', CASE coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
    'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
    'connection_limit', d.datconnlimit,
    'comment', shobj_description(d.oid, 'pg_database'),
    'privileges', (
        SELECT json_agg(json_build_object(
            'grantee', CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END,
            'name', a.privilege_type, 'with_grant_option', a.is_grantable)
            ORDER BY a.grantee, a.privilege_type)
        FROM aclexplode(d.datacl) AS a WHERE a.grantee <> d.datdba),
    'has_privileges', d.datacl IS NOT NULL,
    'settings', coalesce((
        SELECT json_agg(json_build_object(
            'role', CASE WHEN s.setrole = 0 THEN NULL ELSE pg_get_userbyid(s.setrole) END,
            'name', split_part(entry, '=', 1), 'value', substr(entry, strpos(entry, '=') + 1))
            ORDER BY s.setrole, entry)
        FROM pg_db_role_setting s, unnest(s.setconfig) AS entry WHERE s.setdatabase = d.oid), '[]'))
FROM pg_database d WHERE d.datname = current_database()
