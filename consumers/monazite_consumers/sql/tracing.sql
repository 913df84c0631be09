-- Tracing: the chain of a lot, read level by level, each lot once; and the papers of those that are shown.

-- name: up
-- What went into lots, from the index alone.
SELECT into_lot, lot, net_g FROM moves WHERE into_lot = ANY($1::text[]);

-- name: down
-- What lots went into, from the index alone.
SELECT lot, into_lot, net_g FROM moves WHERE lot = ANY($1::text[]) AND into_lot IS NOT NULL;

-- name: inputs
-- How much went into lots, from whatever lots.
SELECT into_lot, sum(net_g)::bigint AS net_g FROM moves WHERE into_lot = ANY($1::text[]) GROUP BY into_lot;

-- name: makers
-- The statements that brought lots into being, with their events.
SELECT m.lot, m.plant, m.kind, m.step, m.at, m.message, m.index, e.event_id
FROM moves m LEFT JOIN events e ON e.message = m.message AND e.index = m.index
WHERE m.lot = ANY($1::text[]) AND m.kind = ANY($2::text[])
ORDER BY m.lot, m.at, m.message, m.index, m.line;

-- name: waybills
-- The shipments that lots went with.
SELECT m.lot, m.shipment, s.waybill, s.consignor, s.consignee, s.state,
       coalesce(sum(m.net_g) FILTER (WHERE m.kind = 'dispatched'), 0)::bigint AS sent_g,
       coalesce(sum(m.net_g) FILTER (WHERE m.kind = 'received'), 0)::bigint AS accepted_g, min(m.at) AS at
FROM moves m JOIN shipments s USING (shipment)
WHERE m.lot = ANY($1::text[]) AND m.kind IN ('dispatched', 'received', 'refused')
GROUP BY m.lot, m.shipment, s.waybill, s.consignor, s.consignee, s.state ORDER BY m.lot, min(m.at), m.shipment;

-- name: known
-- Whether any statement that holds speaks of a lot.
SELECT EXISTS (SELECT FROM moves WHERE lot = $1 OR into_lot = $1) AS known;

-- name: behind
-- What custody has still to follow or to judge.
SELECT p.settled_message > f.message OR EXISTS (SELECT FROM restated) OR EXISTS (SELECT FROM doubts WHERE noun = 'lot') AS behind
FROM platform p, following f;
