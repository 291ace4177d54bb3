-- A digest of the rows about objects that belong to no relation, in the catalogs where relations have rows, too. A row that
-- is changed gets another place.
SELECT concat_ws(' ',
    (SELECT concat(count(*), ':', sum(hashtid(t.ctid)))
     FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
     WHERE t.typelem = 0 AND (c.relkind IS NULL OR c.relkind = 'c')),
    (SELECT concat(count(*), ':', sum(hashtid(k.ctid))) FROM pg_constraint k WHERE k.contypid <> 0),
    (SELECT concat(count(*), ':', sum(hashtid(d.ctid)))
     FROM pg_description d
     WHERE d.classoid NOT IN ('pg_class'::regclass, 'pg_trigger'::regclass, 'pg_rewrite'::regclass, 'pg_policy'::regclass)))
