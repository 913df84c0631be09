-- Months of plants: their flows, and what was said of them.

-- name: flows
-- The flows of plants' months; and as an opening what was on hand of each product when they began.
SELECT k.plant, k.month, false AS before, f.product, f.kind, f.step, f.origin, f.net_g, f.reo_g, f.claimed_g, f.moves,
       f.reo_squares
FROM unnest($1::text[], $2::date[]) AS k (plant, month) JOIN flows f USING (plant, month) WHERE f.moves <> 0
UNION ALL
SELECT k.plant, k.month, true, c.product, 'opening', '', '', s.net_g, s.reo_g, 0, 1, 0
FROM unnest($1::text[], $2::date[]) AS k (plant, month) CROSS JOIN unnest($3::text[]) AS c (product)
CROSS JOIN LATERAL (
    SELECT s.net_g, s.reo_g FROM stocks s WHERE s.plant = k.plant AND s.product = c.product AND s.month < k.month
    ORDER BY s.month DESC LIMIT 1
) AS s
ORDER BY 1, 2, 3, 4, 5, 6, 7;

-- name: elements
-- What the elements of plants' months were made of and used in.
SELECT f.plant, f.month, f.kind, f.step, f.element, f.oxide_g, f.squares, f.moves
FROM unnest($1::text[], $2::date[]) AS k (plant, month) JOIN element_flows f USING (plant, month)
WHERE f.moves <> 0 AND f.kind IN ('used', 'made') ORDER BY 1, 2, 3, 4, 5;

-- name: claims
-- What was claimed and what was computed of production, in each of the twelve months that end with these.
SELECT k.plant, k.month, f.month AS of_month, sum(f.claimed_g)::bigint AS claimed_g, sum(f.reo_g)::bigint AS reo_g
FROM unnest($1::text[], $2::date[]) AS k (plant, month)
JOIN flows f ON f.plant = k.plant AND f.month <= k.month AND f.month > k.month - interval '1 year'
WHERE f.kind = 'made' AND f.step NOT IN ('split', 'blended') AND f.moves <> 0
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- name: moved_after
-- Net grams of each product that came to and went from a plant after one instant and before another.
SELECT coalesce(product, '') AS product, kind, step, coalesce(origin, '') AS origin, sum(net_g)::bigint AS net_g
FROM moves WHERE plant = $1 AND at > $2 AND at < $3 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;

-- name: made_after
-- What production made and used that ended after one instant and before another, statement by statement.
SELECT message, index, coalesce(product, '') AS product, kind, net_g FROM moves
WHERE plant = $1 AND at > $2 AND at < $3 AND kind IN ('made', 'used') AND step NOT IN ('split', 'blended');

-- name: first_dealt
-- In which month plants first did anything but count what was there.
SELECT plant, to_char(min(month), 'YYYY-MM') AS month FROM flows
WHERE plant = ANY($1::text[]) AND kind <> 'opening' AND moves <> 0 GROUP BY plant;

-- name: openings
-- Opening inventories of plants between instants, and when each was first stated: a correction is not a later one.
WITH RECURSIVE said AS (
    SELECT k.key, m.message AS current, m.index, m.lot, m.net_g, e.plant, e.message, e.target_id, e.target_hash
    FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS k (key, plant, since, until)
    JOIN moves m ON m.plant = k.plant AND m.at >= k.since AND m.at < k.until AND m.kind = 'opening'
    JOIN events e ON e.message = m.message AND e.index = m.index
    UNION ALL
    SELECT s.key, s.current, s.index, s.lot, s.net_g, s.plant, e.message, e.target_id, e.target_hash
    FROM said s JOIN events e ON e.event_id = s.target_id AND e.hash = s.target_hash AND e.plant = s.plant
        AND e.outcome = 'applied' AND NOT e.test
)
SELECT s.key, s.lot, min(l.arrived_at) AS arrived_at, s.net_g
FROM said s JOIN ledger l USING (message) GROUP BY s.key, s.current, s.index, s.lot, s.net_g ORDER BY 1, 2, 3, 4;

-- name: stated
-- What current statements say of months, in their order: of many declarations the first, which filed, and the last, which hold; apart, counts.
SELECT k.key, x.message, x.index, x.type, x.arrived_at, x.data FROM unnest($1::text[]) AS k (key)
CROSS JOIN LATERAL (
    (SELECT s.message, s.index, s.type, s.arrived_at, s.data, l.topic, l.partition, l.log_generation, l.log_offset
     FROM stated s JOIN ledger l USING (message) WHERE s.noun = 'month' AND s.key = k.key AND s.type = $2
     ORDER BY s.arrived_at, l.topic, l.partition, l.log_generation, l.log_offset, s.index LIMIT $3)
    UNION
    (SELECT s.message, s.index, s.type, s.arrived_at, s.data, l.topic, l.partition, l.log_generation, l.log_offset
     FROM stated s JOIN ledger l USING (message) WHERE s.noun = 'month' AND s.key = k.key AND s.type = $2
     ORDER BY s.arrived_at DESC, l.topic DESC, l.partition DESC, l.log_generation DESC, l.log_offset DESC, s.index DESC LIMIT $3)
    UNION ALL
    (SELECT s.message, s.index, s.type, s.arrived_at, s.data, l.topic, l.partition, l.log_generation, l.log_offset
     FROM stated s JOIN ledger l USING (message) WHERE s.noun = 'month' AND s.key = k.key AND s.type <> $2
     ORDER BY s.at, s.arrived_at, l.topic, l.partition, l.log_generation, l.log_offset, s.index LIMIT $3)
) AS x
ORDER BY k.key, x.arrived_at, x.topic, x.partition, x.log_generation, x.log_offset, x.index;

-- name: filed
-- When what stands at these places was first stated since an instant: a correction of a record is not a later record.
WITH RECURSIVE said AS (
    SELECT e.message AS current, e.index AS current_index, k.ended_at, e.message, e.plant, e.target_id, e.target_hash
    FROM unnest($1::bigint[], $2::smallint[], $3::timestamptz[]) AS k (message, index, ended_at)
    JOIN events e USING (message, index)
    UNION ALL
    SELECT s.current, s.current_index, s.ended_at, e.message, e.plant, e.target_id, e.target_hash
    FROM said s JOIN events e ON e.event_id = s.target_id AND e.hash = s.target_hash AND e.plant = s.plant
        AND e.outcome = 'applied' AND NOT e.test
)
SELECT s.current AS message, s.current_index AS index, min(l.arrived_at) FILTER (WHERE l.arrived_at >= s.ended_at) AS filed_at
FROM said s JOIN ledger l USING (message) GROUP BY 1, 2;

-- name: all
-- Every month of a plant in which something moved or of which something was said.
SELECT plant || ' ' || to_char(month, 'YYYY-MM') AS key FROM flows
UNION SELECT key FROM stated WHERE noun = 'month'
UNION SELECT key FROM custody_findings WHERE noun = 'month';
