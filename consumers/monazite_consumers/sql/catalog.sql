-- The catalog: what the schema is, in PostgreSQL's own words; the generated schema file is written from it.

-- name: sequences
-- Sequences that stand alone; those of identity columns belong to their columns.
SELECT c.relname::text AS name, format_type(s.seqtypid, NULL) AS type, s.seqstart AS start, s.seqincrement AS increment,
       s.seqmin AS min, s.seqmax AS max, s.seqcache AS cache, s.seqcycle AS cycle
FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i')
ORDER BY c.relname COLLATE "C";

-- name: columns
-- Every column of every table, in the table's order.
SELECT c.relname::text AS table, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS required, pg_get_expr(d.adbin, d.adrelid, true) AS expression,
       a.attidentity::text AS identity, a.attgenerated::text AS generated,
       CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END AS collation
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
ORDER BY c.relname COLLATE "C", a.attnum;

-- name: constraints
-- Every constraint but those of required columns, which only some versions name: keys first, references last.
SELECT c.relname::text AS table, k.conname::text AS name, k.contype::text AS kind, pg_get_constraintdef(k.oid, true) AS definition
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.connamespace = 'public'::regnamespace AND k.contype <> 'n'
ORDER BY c.relname COLLATE "C", array_position(ARRAY['p', 'u', 'x', 'c', 'f'], k.contype::text), k.conname COLLATE "C";

-- name: indexes
-- Every index that is not a constraint's own.
SELECT c.relname::text AS name, i.indisunique AS is_unique, pg_get_indexdef(i.indexrelid, 0, true) AS definition
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE c.relnamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY t.relname COLLATE "C", c.relname COLLATE "C";

-- name: functions
-- Every function, whole.
SELECT p.proname::text AS name, pg_get_functiondef(p.oid) AS definition FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p')
ORDER BY p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid) COLLATE "C";

-- name: others
-- What the other statements do not tell of; a schema that has any cannot be written yet.
SELECT 'relation ' || c.relname AS thing FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace
  AND (c.relkind NOT IN ('r', 'i', 'S', 'c') OR c.relpersistence <> 'p' OR c.relrowsecurity OR c.relkind = 'r' AND c.reloptions IS NOT NULL)
UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'rule ' || rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
    WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT 'type ' || t.typname FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typnamespace = 'public'::regnamespace AND t.typcategory <> 'A' AND coalesce(c.relkind, 'c') = 'c'
UNION ALL SELECT 'aggregate ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind NOT IN ('f', 'p')
UNION ALL SELECT 'statistics ' || stxname FROM pg_statistic_ext
UNION ALL SELECT 'extension ' || extname FROM pg_extension WHERE extname <> 'plpgsql'
UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('public', 'information_schema')
ORDER BY thing;
