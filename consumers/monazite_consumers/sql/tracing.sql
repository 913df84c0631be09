-- Tracing: the chain of a lot, read level by level, each lot once; its papers; and where what is affected is now.

-- name: up
-- What went into lots, from the index alone.
SELECT into_lot, array_agg(lot), array_agg(net_g) FROM moves WHERE into_lot = ANY($1::text[]) GROUP BY into_lot;

-- name: down
-- What lots went into, from the index alone.
SELECT lot, array_agg(into_lot), array_agg(net_g) FROM moves
WHERE lot = ANY($1::text[]) AND into_lot IS NOT NULL GROUP BY lot;

-- name: inputs
-- How much went into those of the lots that custody has still to judge, from whatever lots. $2: of them not judged yet.
SELECT into_lot, sum(net_g)::bigint AS net_g FROM moves
WHERE into_lot = ANY(ARRAY(SELECT key FROM doubts WHERE noun = 'lot' AND key = ANY($1::text[])) || $2::text[]) GROUP BY into_lot;

-- name: states
-- What lots were found to be. Of a number that several statements used, which are findings: as much as they made in all.
-- $2: kinds of move that bring a lot into being, $3: the rule of those findings.
WITH again AS MATERIALIZED (
    SELECT DISTINCT m.lot FROM findings f JOIN moves m USING (message, index)
    WHERE f.rule = $3 AND m.lot = ANY($1::text[]) AND m.kind = ANY($2::text[])
), made AS (
    SELECT m.lot, sum(m.net_g)::bigint AS net_g,
           CASE WHEN count(m.reo_g) = count(*) THEN sum(m.reo_g)::bigint END AS reo_g
    FROM moves m JOIN again USING (lot) WHERE m.kind = ANY($2::text[]) GROUP BY m.lot
)
SELECT s.lot, s.plant, s.product, s.origin, coalesce(k.net_g, s.net_g) AS net_g,
       CASE WHEN k.lot IS NULL THEN s.reo_g ELSE k.reo_g END AS reo_g, s.broken, s.depth, s.feed, s.oxides, s.broken_since,
       s.used_g
FROM lot_states s LEFT JOIN made k ON k.lot = s.lot WHERE s.lot = ANY($1::text[]);

-- name: of_plant
-- What a plant made in a period, or gave away of its own that nobody reported; which of it was made of no other such lot.
WITH own AS (
    SELECT m.lot, sum(m.net_g)::bigint AS net_g, bool_or(s.broken = 'circle') AS circle
    FROM moves m LEFT JOIN lot_states s ON s.lot = m.lot
    WHERE m.plant = $1 AND m.at >= $3 AND m.at < $4 AND (
        m.kind = ANY($2::text[])
        OR s.broken = 'unreported' AND m.kind IN ('dispatched', 'used', 'lost') AND starts_with(m.lot, $1 || '/')
    )
    GROUP BY m.lot
)
SELECT o.lot, o.net_g, coalesce(o.circle, false) OR NOT EXISTS (
    SELECT FROM moves p WHERE p.into_lot = o.lot AND p.lot IN (SELECT lot FROM own)
) AS first
FROM own o;

-- name: links
-- How much of lots went into which others of them, REO as far as it is known of all of it.
SELECT lot, into_lot, sum(net_g)::bigint AS net_g,
       CASE WHEN count(reo_g) = count(*) THEN sum(reo_g)::bigint END AS reo_g
FROM moves WHERE into_lot = ANY($1::text[]) AND lot = ANY($1::text[]) GROUP BY lot, into_lot ORDER BY lot, into_lot;

-- name: makers
-- The statements that brought lots into being, with their events.
SELECT m.lot, m.plant, m.kind, m.step, m.at, m.message, m.index, e.event_id
FROM moves m LEFT JOIN events e ON e.message = m.message AND e.index = m.index
WHERE m.lot = ANY($1::text[]) AND m.kind = ANY($2::text[])
ORDER BY m.lot, m.at, m.message, m.index, m.line;

-- name: waybills
-- The shipments that lots went with, and the papers that their first dispatch names.
SELECT k.*, x.data -> 'export' AS export, x.data -> 'invoice' AS invoice
FROM (
    SELECT m.lot, s.shipment, s.waybill, s.consignor, s.consignee, s.state, s.due_at, s.lines,
           coalesce(sum(m.net_g) FILTER (WHERE m.kind = 'dispatched'), 0)::bigint AS sent_g,
           coalesce(sum(m.net_g) FILTER (WHERE m.kind = 'received'), 0)::bigint AS accepted_g, min(m.at) AS at
    FROM moves m JOIN shipments s USING (shipment)
    WHERE m.lot = ANY($1::text[]) AND m.kind IN ('dispatched', 'received', 'refused')
    GROUP BY m.lot, s.shipment
) AS k LEFT JOIN LATERAL (
    SELECT t.data FROM stated t
    WHERE t.noun = 'shipment' AND t.key = k.shipment AND t.type = 'Dispatched' ORDER BY t.at, t.arrived_at LIMIT 1
) AS x ON true
ORDER BY k.lot, k.at, k.shipment;

-- name: held
-- What plants have on hand of lots, or have lost. $2: kinds of move that add to a stock, $3: that take from it.
SELECT * FROM (
    SELECT lot, plant,
           (coalesce(sum(net_g) FILTER (WHERE kind = ANY($2::text[])), 0)
            - coalesce(sum(net_g) FILTER (WHERE kind = ANY($3::text[])), 0))::bigint AS held_g,
           coalesce(sum(net_g) FILTER (WHERE kind = 'lost'), 0)::bigint AS lost_g
    FROM holdings WHERE lot = ANY($1::text[]) AND moves <> 0 GROUP BY lot, plant
) AS k WHERE held_g > 0 OR lost_g > 0 ORDER BY lot, plant;

-- name: sent
-- What was sent of lots and has neither arrived nor gone back, and how its shipment stands.
SELECT m.lot, s.shipment, s.consignor, s.consignee, s.state, s.due_at,
       coalesce(sum(m.net_g) FILTER (WHERE m.kind = 'dispatched'), 0)::bigint AS sent_g,
       coalesce(sum(m.net_g) FILTER (WHERE m.kind <> 'dispatched'), 0)::bigint AS arrived_g, s.lines
FROM moves m JOIN shipments s USING (shipment)
WHERE m.lot = ANY($1::text[]) AND m.kind IN ('dispatched', 'received', 'returned')
GROUP BY m.lot, s.shipment
HAVING sum(m.net_g) FILTER (WHERE m.kind = 'dispatched') > coalesce(sum(m.net_g) FILTER (WHERE m.kind <> 'dispatched'), 0)
ORDER BY m.lot, s.shipment;

-- name: back
-- What plants took back of lots that had left the register, and from whom.
SELECT m.lot, m.plant, s.consignor AS party, sum(m.net_g)::bigint AS net_g
FROM moves m JOIN shipments s USING (shipment)
WHERE m.lot = ANY($1::text[]) AND m.kind = 'received' AND starts_with(m.shipment, '@') AND s.state = 'received'
GROUP BY m.lot, m.plant, s.consignor;

-- name: known
-- Whether any statement that holds speaks of a lot.
SELECT EXISTS (SELECT FROM moves WHERE lot = $1 OR into_lot = $1) AS known;

-- name: behind
-- What custody has still to follow or to judge.
SELECT p.settled_message > f.message OR EXISTS (SELECT FROM restated)
       OR EXISTS (SELECT FROM doubts WHERE noun IN ('lot', 'shipment')) OR EXISTS (SELECT FROM sweeps) AS behind
FROM platform p, following f;
