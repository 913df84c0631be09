-- Doubts: what is to be judged anew, key by key, or all of a noun in order.

-- name: add
-- To be judged anew.
INSERT INTO doubts (noun, key) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING;

-- name: later_months
-- What is told of later months rests on those before: on what was there, for a year on claims. Keyed `plant 2023-05`.
-- And what is told of opening inventories, in whatever month, rests on the month of the plant's first dealing.
INSERT INTO doubts (noun, key)
SELECT DISTINCT 'month', s.key FROM unnest($1::text[]) AS k (key)
JOIN stated s ON s.noun = 'month' AND s.key > k.key AND s.key < split_part(k.key, ' ', 1) || '!'
UNION
SELECT 'month', f.plant || ' ' || to_char(f.month, 'YYYY-MM') FROM unnest($1::text[]) AS k (key)
JOIN flows f ON f.plant = split_part(k.key, ' ', 1) AND f.kind = 'made'
    AND f.month > to_date(split_part(k.key, ' ', 2), 'YYYY-MM')
    AND f.month < to_date(split_part(k.key, ' ', 2), 'YYYY-MM') + interval '1 year'
UNION
SELECT 'month', f.plant || ' ' || to_char(f.month, 'YYYY-MM') FROM unnest($1::text[]) AS k (key)
JOIN flows f ON f.plant = split_part(k.key, ' ', 1) AND f.kind = 'opening'
WHERE NOT EXISTS (
    SELECT FROM flows e WHERE e.plant = f.plant AND e.month < to_date(split_part(k.key, ' ', 2), 'YYYY-MM')
        AND e.kind <> 'opening' AND e.moves <> 0
)
ON CONFLICT DO NOTHING;

-- name: take
-- Takes the next of a noun.
DELETE FROM doubts WHERE noun = $1 AND key IN (SELECT key FROM doubts WHERE noun = $1 ORDER BY key LIMIT $2) RETURNING key;

-- name: sweep
-- All of these nouns, from the first key on.
INSERT INTO sweeps (noun, after) SELECT noun, '' FROM unnest($1::text[]) AS noun
ON CONFLICT (noun) DO UPDATE SET after = '';

-- name: swept_lots
-- The next lots of a sweep.
SELECT s.lot AS key FROM sweeps w JOIN lot_states s ON s.lot > w.after WHERE w.noun = 'lot' ORDER BY s.lot LIMIT $1;

-- name: swept_shipments
-- The next shipments of a sweep.
SELECT s.shipment AS key FROM sweeps w JOIN shipments s ON s.shipment > w.after WHERE w.noun = 'shipment'
ORDER BY s.shipment LIMIT $1;

-- name: swept
-- A sweep has come to a key, and goes on or not.
WITH moved AS (UPDATE sweeps SET after = $2 WHERE noun = $1 AND $3)
DELETE FROM sweeps WHERE noun = $1 AND NOT $3;

-- name: doubt_set_aside
-- What our own code raised on.
INSERT INTO doubts (noun, key) SELECT noun, key FROM custody_findings WHERE rule = $1 AND noun <> 'event' ON CONFLICT DO NOTHING;
