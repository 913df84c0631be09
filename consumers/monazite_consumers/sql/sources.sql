-- Sources: who numbers envelopes, which sequences are decided, and what we told them.

-- name: known
-- The numbers of sources that are known.
SELECT s.source, s.plant, s.gateway, s.stream, s.incarnation
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS k (plant, gateway, stream, incarnation)
JOIN sources s USING (plant, gateway, stream, incarnation);

-- name: add
-- Numbers for sources that are not.
INSERT INTO sources (plant, gateway, stream, incarnation)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
ON CONFLICT DO NOTHING;

-- name: of_numbers
-- Who the numbers are.
SELECT source, plant, gateway, stream, incarnation FROM sources WHERE source = ANY($1::integer[]);

-- name: decided
-- The decided sequences of sources, so many ranges of each.
SELECT source, (SELECT range_agg(r.range) FROM (SELECT unnest(decided) AS range LIMIT $2) AS r)::text AS decided
FROM source_states WHERE source = ANY($1::integer[]) AND NOT isempty(decided);

-- name: move_decided
-- Adds to what is decided of each source, and takes away what is not decided any more; returns so many ranges of each.
WITH moves AS (
    SELECT source, gained::int8multirange AS gained, lost::int8multirange AS lost
    FROM unnest($1::integer[], $2::text[], $3::text[]) AS k (source, gained, lost)
), moved AS (
    MERGE INTO source_states AS s USING moves AS m ON s.source = m.source
    WHEN MATCHED THEN UPDATE SET decided = s.decided - m.lost + m.gained
    WHEN NOT MATCHED THEN INSERT (source, decided) VALUES (m.source, m.gained)
    RETURNING s.source, s.decided
)
SELECT source, coalesce((SELECT range_agg(r.range) FROM (SELECT unnest(decided) AS range LIMIT $4) AS r), '{}')::text AS decided
FROM moved;

-- name: next_receipts
-- The next receipt number of each source.
INSERT INTO receipt_numbers (source, number) SELECT source, 1 FROM unnest($1::integer[]) AS k (source)
ON CONFLICT (source) DO UPDATE SET number = receipt_numbers.number + 1
RETURNING source, number;

-- name: answered
-- Every source that was ever sent a receipt, with what is decided of it.
SELECT n.source, o.plant, coalesce(s.decided, '{}')::text AS decided
FROM receipt_numbers n JOIN sources o USING (source) LEFT JOIN source_states s USING (source) ORDER BY n.source;
