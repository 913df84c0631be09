-- Flagged: what plants are told, after their receipts, of declarations that disagree with their events.

-- name: of_keys
-- What was last said about months.
SELECT message, index, key, rule, field, remedy FROM flagged WHERE key = ANY($1::text[]);

-- name: put
-- To be told.
INSERT INTO flagged (message, index, key, rule, field, remedy)
SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[])
ON CONFLICT (message, index) DO UPDATE
SET key = excluded.key, rule = excluded.rule, field = excluded.field, remedy = excluded.remedy, told = false;

-- name: untold
-- What is to be told, with where the event stands and what else was noticed in it; $1: rules that flag nothing.
SELECT g.message, g.index, g.rule, g.field, g.remedy, e.source, e.sequence, e.hash, v.event_id, v.type, v.plant, v.outcome,
       (SELECT min(f.rule) FROM findings f
        WHERE f.message = g.message AND f.index = g.index AND f.rule <> ALL ($1::text[])) AS flag
FROM flagged g JOIN events v USING (message, index) JOIN envelopes e USING (message)
WHERE NOT g.told AND split_part(g.key, ' ', 1) = ANY($2::text[]) AND v.outcome = 'applied' AND e.source IS NOT NULL
ORDER BY g.message, g.index;

-- name: waiting
-- Whether anything is to be told, and by whose plants.
SELECT DISTINCT split_part(key, ' ', 1) AS plant FROM flagged WHERE NOT told ORDER BY plant LIMIT $1;

-- name: tell
-- Of these plants it is told; what was taken back is forgotten.
WITH gone AS (
    DELETE FROM flagged WHERE NOT told AND rule IS NULL AND split_part(key, ' ', 1) = ANY($1::text[])
)
UPDATE flagged SET told = true WHERE NOT told AND rule IS NOT NULL AND split_part(key, ' ', 1) = ANY($1::text[]);

-- name: doubt
-- Every month of which something was said, or is to be said.
INSERT INTO doubts (noun, key)
SELECT 'month', key FROM flagged UNION SELECT 'month', key FROM custody_findings WHERE rule = 'declaration-differs'
ON CONFLICT DO NOTHING;
