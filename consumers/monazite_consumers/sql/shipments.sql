-- Shipments: how each stands, and who must act next.

-- name: put
-- How shipments stand.
INSERT INTO shipments (shipment, consignor, waybill, consignee, state, actor, due_at, dispatched_at, received_at, lines)
SELECT k.shipment, k.consignor, k.waybill, k.consignee, k.state, k.actor, k.due_at, k.dispatched_at, k.received_at, k.lines::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[],
            $9::timestamptz[], $10::text[])
     AS k (shipment, consignor, waybill, consignee, state, actor, due_at, dispatched_at, received_at, lines)
ON CONFLICT (shipment) DO UPDATE SET consignee = excluded.consignee, state = excluded.state, actor = excluded.actor,
    due_at = excluded.due_at, dispatched_at = excluded.dispatched_at, received_at = excluded.received_at,
    lines = excluded.lines;

-- name: forget
-- Shipments that no statement speaks of any more.
DELETE FROM shipments WHERE shipment = ANY($1::text[]);

-- name: returned
-- What of these shipments is the consignor's again.
SELECT shipment, message, index, lot, net_g FROM moves WHERE shipment = ANY($1::text[]) AND kind = 'returned';

-- name: receipts
-- Of each of these shipments the consignee's first statement of receipt: what it gives back hangs on it.
SELECT DISTINCT ON (s.key) s.key, s.message, s.index, s.at
FROM unnest($1::text[], $2::text[]) AS k (key, consignee) JOIN stated s USING (key)
WHERE s.noun = 'shipment' AND s.type = 'Received' AND s.plant = k.consignee
ORDER BY s.key, s.at, s.arrived_at, s.message, s.index;

-- name: past
-- What was said to be sent, taken in or refused on these shipments, until it was amended.
SELECT m.shipment, m.kind, m.plant, m.at, m.lot, m.net_g, e.arrived_at AS since, m.until
FROM past_moves m JOIN envelopes e USING (message) WHERE m.shipment = ANY($1::text[]);

-- name: redirected
-- Since when the changes of these shipments' destinations have been stated: a correction is not a later one.
WITH RECURSIVE said AS (
    SELECT s.message AS current, s.index, e.plant, e.message, e.target_id, e.target_hash
    FROM stated s JOIN events e USING (message, index)
    WHERE s.noun = 'shipment' AND s.key = ANY($1::text[]) AND s.type = 'DestinationChanged'
    UNION ALL
    SELECT s.current, s.index, s.plant, e.message, e.target_id, e.target_hash
    FROM said s JOIN events e ON e.event_id = s.target_id AND e.hash = s.target_hash AND e.plant = s.plant
        AND e.outcome = 'applied' AND NOT e.test
)
SELECT s.current AS message, s.index, min(l.arrived_at) AS since FROM said s JOIN ledger l USING (message) GROUP BY 1, 2;

-- name: came_back
-- Of goods from outside the register: how much of each lot whoever took it in had sent there by then, and taken back.
SELECT k.key, x.sent_g, y.back_g
FROM (
    SELECT q.key, q.party, m.lot, m.plant, max(m.at) AS at
    FROM unnest($1::text[], $2::text[]) AS q (key, party) JOIN moves m ON m.shipment = q.key AND m.kind = 'received'
    GROUP BY q.key, q.party, m.lot, m.plant
) AS k
CROSS JOIN LATERAL (
    SELECT coalesce(sum(m.net_g), 0)::bigint AS sent_g FROM moves m JOIN shipments s USING (shipment)
    WHERE m.lot = k.lot AND m.plant = k.plant AND m.kind = 'dispatched' AND m.at <= k.at AND s.consignee = k.party
) AS x
CROSS JOIN LATERAL (
    SELECT coalesce(sum(m.net_g), 0)::bigint AS back_g FROM moves m
    WHERE m.lot = k.lot AND m.plant = k.plant AND m.kind = 'received' AND m.at <= k.at
      AND starts_with(m.shipment, k.party || '→')
) AS y;

-- name: coming_back
-- What came back of lots that these shipments took out of the register.
SELECT DISTINCT m.shipment
FROM shipments s CROSS JOIN LATERAL jsonb_array_elements(s.lines) AS l (line)
JOIN moves m ON m.lot = l.line ->> 'lot' AND m.plant = s.consignor AND m.kind = 'received' AND starts_with(m.shipment, '@')
WHERE s.shipment = ANY($1::text[]) AND starts_with(s.consignee, '@');

-- name: others_back
-- What else came back of lots.
SELECT DISTINCT m.shipment FROM unnest($1::text[], $2::text[]) AS k (lot, plant)
JOIN moves m ON m.lot = k.lot AND m.plant = k.plant AND m.kind = 'received' AND starts_with(m.shipment, '@');

-- name: open
-- Where somebody must act, the most urgent first; of plants on either side, a month, a state, a waybill.
SELECT shipment, consignor, waybill, consignee, state, actor, due_at, dispatched_at, received_at, lines
FROM shipments
WHERE ($1::text[] IS NULL OR consignor = ANY($1) OR consignee = ANY($1))
  AND ($2::timestamptz IS NULL OR (coalesce(dispatched_at, received_at) >= $2 AND coalesce(dispatched_at, received_at) < $3))
  AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR waybill = $5) AND actor IS NOT NULL
ORDER BY due_at, shipment LIMIT $6;

-- name: all
-- Every shipment, the newest first; of plants on either side, a month, a state, a waybill.
SELECT shipment, consignor, waybill, consignee, state, actor, due_at, dispatched_at, received_at, lines
FROM shipments
WHERE ($1::text[] IS NULL OR consignor = ANY($1) OR consignee = ANY($1))
  AND ($2::timestamptz IS NULL OR (coalesce(dispatched_at, received_at) >= $2 AND coalesce(dispatched_at, received_at) < $3))
  AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR waybill = $5)
ORDER BY coalesce(dispatched_at, received_at) DESC NULLS LAST, shipment LIMIT $6;

-- name: counted
-- How many of the same there are, $6: where somebody must act only, and how many are late at an instant.
SELECT count(*) AS total, count(*) FILTER (WHERE due_at < $7) AS late
FROM shipments
WHERE ($1::text[] IS NULL OR consignor = ANY($1) OR consignee = ANY($1))
  AND ($2::timestamptz IS NULL OR (coalesce(dispatched_at, received_at) >= $2 AND coalesce(dispatched_at, received_at) < $3))
  AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR waybill = $5) AND (actor IS NOT NULL OR NOT $6);

-- name: of_licences
-- What current dispatches name licences for: grams of each product, by whom, on which waybill and customs declaration.
SELECT s.data -> 'export' ->> 'licence' AS licence, s.plant, s.data ->> 'waybill' AS waybill,
       s.data -> 'export' ->> 'declaration' AS declaration, l.line ->> 'product' AS product,
       sum(replace(l.line ->> 'net_mass_kg', '.', '')::bigint)::bigint AS net_g, s.at, s.arrived_at
FROM stated s CROSS JOIN LATERAL jsonb_array_elements(s.data -> 'lines') AS l (line)
WHERE s.data -> 'export' ->> 'licence' = ANY($1::text[]) AND s.type = 'Dispatched'
GROUP BY s.message, s.index, l.line ->> 'product';
