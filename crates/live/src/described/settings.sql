-- Settings of the database, for everybody and for roles in it; NULL if there are none.
SELECT string_agg(whose || setting, ', ' ORDER BY whose, setting)
FROM (SELECT CASE WHEN s.setrole = 0 THEN ''
                  WHEN pg_get_userbyid(s.setrole) = :owner THEN 'OWNER: '
                  ELSE pg_get_userbyid(s.setrole) || ': ' END AS whose,
             unnest(s.setconfig) AS setting
      FROM pg_db_role_setting s
      WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())) AS settings
