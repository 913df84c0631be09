-- Verifying custody: what is kept of stocks, shipments and months, against statements and against each other. Nothing here writes.

-- name: unsettled
-- Places whose statements wait to be followed anew, or were set aside, in messages after one and up to another.
SELECT message, index FROM restated WHERE message > $1 AND message <= $2
UNION
SELECT split_part(key, '/', 1)::bigint, split_part(key, '/', 2)::smallint FROM custody_findings
WHERE noun = 'event' AND split_part(key, '/', 1)::bigint > $1 AND split_part(key, '/', 1)::bigint <= $2;

-- name: moves
-- What statements in messages after one and up to another did to stocks.
SELECT message, index, line, plant, lot, kind, step, at, net_g, product, origin, reo_g, claimed_g, into_lot, shipment,
       oxides, feed, lawful, label
FROM moves WHERE message > $1 AND message <= $2 AND kind <> 'returned';

-- name: past_moves
-- What was kept of what statements in messages after one and up to another did until they were amended.
SELECT message, index, line, plant, lot, kind, step, at, net_g, product, origin, into_lot, until, shipment
FROM past_moves WHERE message > $1 AND message <= $2;

-- name: stated
-- What was kept of statements in messages after one and up to another.
SELECT message, index, noun, key, plant, type, at, arrived_at, data FROM stated WHERE message > $1 AND message <= $2;

-- name: misheld
-- Holdings that are not what the moves add up to.
SELECT lot, plant, kind, h.net_g AS kept_g, h.moves AS kept, coalesce(m.net_g, 0) AS counted_g, coalesce(m.moves, 0) AS counted
FROM (SELECT * FROM holdings WHERE (moves, net_g) <> (0, 0)) AS h
FULL JOIN (SELECT lot, plant, kind, sum(net_g)::bigint AS net_g, count(*) AS moves FROM moves GROUP BY 1, 2, 3) AS m
    USING (lot, plant, kind)
WHERE (h.net_g, h.moves) IS DISTINCT FROM (m.net_g, m.moves) ORDER BY lot, plant, kind LIMIT $1;

-- name: misflowed
-- Flows that are not what the moves add up to.
SELECT plant, month, product, kind, step, origin,
       array[f.moves, f.net_g, f.reo_g, f.claimed_g, f.reo_squares] AS kept,
       array[m.moves, m.net_g, m.reo_g, m.claimed_g, m.reo_squares] AS counted
FROM (SELECT * FROM flows WHERE (moves, net_g, reo_g, claimed_g, reo_squares) <> (0, 0, 0, 0, 0)) AS f
FULL JOIN (
    SELECT plant, date_trunc('month', at AT TIME ZONE 'Asia/Shanghai')::date AS month, coalesce(product, '') AS product,
           kind, step, coalesce(origin, '') AS origin, count(*) AS moves, sum(net_g)::bigint AS net_g,
           coalesce(sum(reo_g), 0)::bigint AS reo_g, coalesce(sum(claimed_g), 0)::bigint AS claimed_g,
           coalesce(sum(reo_g::numeric * reo_g), 0) AS reo_squares
    FROM moves GROUP BY 1, 2, 3, 4, 5, 6
) AS m USING (plant, month, product, kind, step, origin)
WHERE (f.moves, f.net_g, f.reo_g, f.claimed_g, f.reo_squares)
    IS DISTINCT FROM (m.moves, m.net_g, m.reo_g, m.claimed_g, m.reo_squares)
ORDER BY plant, month, product, kind, step, origin LIMIT $1;

-- name: lots
-- The next lots of which anything is kept.
SELECT key FROM (
    (SELECT DISTINCT lot AS key FROM moves WHERE lot > $1 ORDER BY lot LIMIT $2)
    UNION (SELECT lot FROM lot_states WHERE lot > $1 ORDER BY lot LIMIT $2)
    UNION (SELECT key FROM custody_findings WHERE noun = 'lot' AND key > $1 ORDER BY key LIMIT $2)
) AS k ORDER BY key LIMIT $2;

-- name: shipments
-- The next shipments of which anything is kept.
SELECT key FROM (
    (SELECT DISTINCT key FROM stated WHERE noun = 'shipment' AND key > $1 ORDER BY key LIMIT $2)
    UNION (SELECT shipment FROM shipments WHERE shipment > $1 ORDER BY shipment LIMIT $2)
    UNION (SELECT key FROM custody_findings WHERE noun = 'shipment' AND key > $1 ORDER BY key LIMIT $2)
) AS k ORDER BY key LIMIT $2;

-- name: licences
-- Licences on which anything was exported, or of which anything is noticed.
SELECT data -> 'export' ->> 'licence' AS key FROM stated WHERE data -> 'export' ->> 'licence' IS NOT NULL
UNION SELECT key FROM custody_findings WHERE noun = 'licence';

-- name: in_doubt
-- Of these keys of a noun those that are to be judged anew, or that our own code cannot judge.
SELECT key FROM unnest($2::text[]) AS k (key)
WHERE EXISTS (SELECT FROM doubts d WHERE d.noun = $1 AND d.key = k.key)
   OR EXISTS (SELECT FROM sweeps w WHERE w.noun = $1 AND k.key > w.after)
   OR EXISTS (SELECT FROM custody_findings f WHERE f.noun = $1 AND f.key = k.key AND f.rule = 'platform-fault');

-- name: shipments_kept
-- How shipments were found to stand.
SELECT shipment, consignor, waybill, consignee, state, actor, due_at, dispatched_at, received_at, lines
FROM shipments WHERE shipment = ANY($1::text[]);

-- name: returned
-- What is kept of goods that are their consignors' again.
SELECT message, index, line, plant, lot, kind, step, at, net_g, shipment FROM moves
WHERE shipment = ANY($1::text[]) AND kind = 'returned';

-- name: alert_keys
-- What there are findings about.
SELECT DISTINCT rule, subject, period FROM custody_findings;

-- name: next_moves
-- All moves of the next messages.
SELECT message, index, line, plant, lot, kind, step, at, net_g, product, origin, reo_g, claimed_g, into_lot, shipment,
       oxides, feed, lawful, label
FROM moves WHERE message > $1 AND message <= (
    SELECT max(message) FROM (SELECT DISTINCT message FROM moves WHERE message > $1 ORDER BY message LIMIT $2) AS k
) ORDER BY message;

-- name: outputs_kept
-- What is kept of output by origin.
SELECT plant, month, product, step, origin, lawful, lines, net_g, reo_g FROM outputs WHERE (lines, net_g, reo_g) <> (0, 0, 0);

-- name: element_flows_kept
-- What is kept of elements.
SELECT plant, month, kind, step, element, moves, oxide_g, squares FROM element_flows WHERE (moves, oxide_g, squares) <> (0, 0, 0);

-- name: stocks_kept
-- What is kept of what was on hand, but for months in which nothing moves any more.
SELECT plant, product, month, moves, net_g, reo_g FROM stocks WHERE moves <> 0;
