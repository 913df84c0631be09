-- Moves: what current statements do to stocks, line by line. Rows are copied in.

-- name: remove
-- Takes back what statements said.
DELETE FROM moves m USING unnest($1::bigint[], $2::smallint[]) AS k (message, index)
WHERE m.message = k.message AND m.index = k.index
RETURNING m.message, m.index, m.line, m.plant, m.lot, m.kind, m.step, m.at, m.net_g, m.product, m.origin, m.reo_g, m.claimed_g,
          m.into_lot, m.shipment, m.oxides, m.feed, m.lawful, m.label;

-- name: unreturn
-- Takes back what shipments gave back to their consignors.
DELETE FROM moves m WHERE m.shipment = ANY($1::text[]) AND m.kind = 'returned'
RETURNING m.message, m.index, m.line, m.plant, m.lot, m.kind, m.step, m.at, m.net_g, m.product, m.origin, m.reo_g, m.claimed_g,
          m.into_lot, m.shipment, m.oxides, m.feed, m.lawful, m.label;

-- name: of_lots
-- What was done with lots, as far as it depends on what they are; which of them $2: is to be looked at as a whole.
SELECT m.message, m.index, m.line, m.plant, m.lot, m.kind, m.step, m.at, m.net_g, m.product, m.origin, m.reo_g, m.claimed_g,
       m.into_lot, m.shipment, m.oxides, m.feed, m.lawful, m.label
FROM unnest($1::text[], $2::boolean[], $3::text[], $4::boolean[]) AS k (lot, moved, feed, lawful) JOIN moves m USING (lot)
WHERE m.kind <> 'lost_in_process' AND (k.moved OR m.product IS NULL OR m.origin IS NULL OR m.reo_g IS NULL
                                       OR m.feed <> k.feed OR m.lawful <> k.lawful);

-- name: waybills
-- What waybills call lots: each shipment's, and under no shipment all of a lot.
SELECT lot, shipment, min(label COLLATE "C") AS product FROM moves
WHERE lot = ANY($1::text[]) AND kind = 'dispatched' GROUP BY GROUPING SETS ((lot, shipment), (lot));

-- name: fill
-- What is known of them now.
UPDATE moves m SET product = k.product, origin = k.origin, reo_g = k.reo_g, oxides = k.oxides, feed = k.feed, lawful = k.lawful
FROM unnest($1::bigint[], $2::smallint[], $3::smallint[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[],
            $9::boolean[]) AS k (message, index, line, product, origin, reo_g, oxides, feed, lawful)
WHERE m.message = k.message AND m.index = k.index AND m.line = k.line;

-- name: post_flows
-- Adds to the sums of plants and months.
INSERT INTO flows AS f (plant, month, product, kind, step, origin, moves, net_g, reo_g, claimed_g, reo_squares)
SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
                     $9::bigint[], $10::bigint[], $11::numeric[])
ON CONFLICT (plant, month, product, kind, step, origin) DO UPDATE SET moves = f.moves + excluded.moves,
    net_g = f.net_g + excluded.net_g, reo_g = f.reo_g + excluded.reo_g, claimed_g = f.claimed_g + excluded.claimed_g,
    reo_squares = f.reo_squares + excluded.reo_squares;

-- name: post_holdings
-- Adds to what each plant did with each lot, in one order for everyone; a sum that comes to nothing goes.
INSERT INTO holdings AS h (lot, plant, kind, net_g, moves)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
ON CONFLICT (lot, plant, kind) DO UPDATE SET net_g = h.net_g + excluded.net_g, moves = h.moves + excluded.moves;

-- name: holdings
-- What plants did with lots.
SELECT lot, plant, kind, net_g FROM holdings WHERE lot = ANY($1::text[]) AND moves <> 0;

-- name: makers
-- The statements that brought lots into being, the earliest first; more than a few are not needed.
SELECT k.lot, x.plant, x.kind, x.step, x.at, x.product, x.origin, x.net_g, x.reo_g, x.oxides, x.arrived_at
FROM unnest($1::text[]) AS k (lot)
CROSS JOIN LATERAL (
    SELECT m.message, m.index, m.plant, m.kind, m.step, m.at, m.product, m.origin, m.net_g, m.reo_g, m.oxides,
           e.arrived_at
    FROM moves m JOIN envelopes e USING (message)
    WHERE m.lot = k.lot AND m.kind = ANY($2::text[])
    ORDER BY m.at, m.plant, m.net_g, m.message, m.index LIMIT 3
) AS x
ORDER BY k.lot, x.at, x.plant, x.net_g, x.message, x.index;

-- name: parents
-- What went into lots.
SELECT m.into_lot AS lot, m.lot AS parent, s.lot IS NOT NULL AS known, s.broken, coalesce(s.depth, 0) AS depth,
       s.product, s.origin, coalesce(s.net_g, 0) AS net_g, s.reo_g, coalesce(s.feed, 'unknown') AS feed, s.oxides,
       m.net_g AS used_g
FROM moves m LEFT JOIN lot_states s ON s.lot = m.lot
WHERE m.into_lot = ANY($1::text[]) ORDER BY m.into_lot, m.lot, m.net_g;

-- name: ancestry
-- All that went into lots, and into those, each lot once: what went into what.
WITH RECURSIVE up AS (
    SELECT unnest($1::text[]) AS lot
    UNION
    SELECT m.lot FROM up JOIN moves m ON m.into_lot = up.lot
)
SELECT m.into_lot, array_agg(DISTINCT m.lot) AS lots FROM up JOIN moves m ON m.into_lot = up.lot GROUP BY m.into_lot;

-- name: forget_past
-- Takes back what statements said until they were amended.
DELETE FROM past_moves m USING unnest($1::bigint[], $2::smallint[]) AS k (message, index)
WHERE m.message = k.message AND m.index = k.index RETURNING m.lot, m.into_lot, m.shipment;

-- name: stated
-- What was ever done with lots, by what was stated when.
SELECT m.lot, m.plant, m.kind, m.step, m.at, m.net_g, m.product, m.origin, e.arrived_at AS since, NULL::timestamptz AS until
FROM moves m JOIN envelopes e USING (message) WHERE m.lot = ANY($1::text[]) AND m.kind NOT IN ('refused', 'lost_in_process')
UNION ALL
SELECT m.lot, m.plant, m.kind, m.step, m.at, m.net_g, m.product, m.origin, e.arrived_at, m.until
FROM past_moves m JOIN envelopes e USING (message) WHERE m.lot = ANY($1::text[]) AND m.kind <> 'refused';

-- name: links
-- What ever went into lots, by what was stated when, and whether it has a lawful origin now.
SELECT m.into_lot AS lot, s.lot IS NULL OR s.broken IS NOT NULL AS broken, s.broken_since, e.arrived_at AS since,
       NULL::timestamptz AS until
FROM moves m JOIN envelopes e USING (message) LEFT JOIN lot_states s ON s.lot = m.lot WHERE m.into_lot = ANY($1::text[])
UNION ALL
SELECT m.into_lot, s.lot IS NULL OR s.broken IS NOT NULL, s.broken_since, e.arrived_at, m.until
FROM past_moves m JOIN envelopes e USING (message) LEFT JOIN lot_states s ON s.lot = m.lot
WHERE m.into_lot = ANY($1::text[]);

-- name: children
-- What lots went into, or were said to.
SELECT into_lot FROM moves WHERE lot = ANY($1::text[]) AND into_lot IS NOT NULL
UNION SELECT into_lot FROM past_moves WHERE lot = ANY($1::text[]) AND into_lot IS NOT NULL;

-- name: firsts
-- When each plant first did what with lots.
SELECT lot, plant, kind, step, min(at) AS at FROM moves WHERE lot = ANY($1::text[]) GROUP BY lot, plant, kind, step;

-- name: splits
-- What was split of lots whose parts do not weigh the same, statement by statement.
SELECT m.lot, m.plant, sum(m.net_g)::bigint AS split_g, sum(m.net_g) FILTER (WHERE m.kind = 'left_over')::bigint AS left_g,
       min(m.at) AS at, min(e.arrived_at) AS arrived_at
FROM moves m JOIN envelopes e USING (message)
WHERE m.lot = ANY($1::text[]) AND m.kind IN ('used', 'left_over') AND m.step = 'split'
GROUP BY m.lot, m.plant, m.message, m.index HAVING bool_or(m.kind = 'left_over');

-- name: recovered
-- What plants used of lots as scrap, under other products than $2.
SELECT m.lot, m.plant, sum(m.net_g)::bigint AS net_g, min(m.at) AS at, min(e.arrived_at) AS arrived_at
FROM moves m JOIN envelopes e USING (message)
WHERE m.lot = ANY($1::text[]) AND m.kind = 'used' AND m.step = 'recovered' AND m.label <> ALL ($2::text[])
GROUP BY m.lot, m.plant ORDER BY m.lot, m.plant;

-- name: labelled
-- What plants used or dispatched of lots under another product than the lot's.
SELECT m.lot, m.plant, array_agg(DISTINCT m.label) AS labels, sum(m.net_g)::bigint AS net_g, min(m.at) AS at,
       min(e.arrived_at) AS arrived_at
FROM unnest($1::text[], $2::text[]) AS k (lot, product) JOIN moves m USING (lot) JOIN envelopes e USING (message)
WHERE m.label <> k.product
GROUP BY m.lot, m.plant ORDER BY m.lot, m.plant;
