-- A digest of the rows about objects that belong to no relation, in the catalogs where relations have rows, too. A row that
-- is changed gets another place.
SELECT concat_ws(' ',
    (SELECT concat(count(*), ':', sum(hashtid(t.ctid)))
     FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
     WHERE t.oid >= 16384 AND t.typelem = 0 AND (c.relkind IS NULL OR c.relkind = 'c')),
    (SELECT concat(count(*), ':', sum(hashtid(k.ctid))) FROM pg_constraint k WHERE k.contypid >= 16384),
    -- Of what initdb created, schemas and extensions are told apart.
    (SELECT concat(count(*), ':', sum(hashtid(d.ctid)))
     FROM pg_description d
     WHERE d.objoid >= 16384
       AND d.classoid NOT IN ('pg_class'::regclass, 'pg_trigger'::regclass, 'pg_rewrite'::regclass, 'pg_policy'::regclass)),
    (SELECT concat(count(*), ':', sum(hashtid(d.ctid)))
     FROM pg_description d
     WHERE d.objoid = ANY (ARRAY(SELECT n.oid FROM pg_namespace n WHERE n.oid < 16384 UNION ALL
                                 SELECT e.oid FROM pg_extension e WHERE e.oid < 16384))))
