-- Months of plants: their flows, and what was said of them.

-- name: flows
-- The flows of plants' months, and of all months before each.
SELECT k.plant, k.month, f.month < k.month AS before, f.product, f.kind, f.step, f.origin,
       sum(f.net_g)::bigint AS net_g, sum(f.reo_g)::bigint AS reo_g, sum(f.claimed_g)::bigint AS claimed_g,
       sum(f.moves)::bigint AS moves
FROM unnest($1::text[], $2::date[]) AS k (plant, month)
JOIN flows f ON f.plant = k.plant AND f.month <= k.month AND f.moves <> 0
GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7;

-- name: moved_until
-- Net grams of each product that came to and went from a plant within a month until an instant.
SELECT coalesce(product, '') AS product, kind, step, coalesce(origin, '') AS origin, sum(net_g)::bigint AS net_g
FROM moves WHERE plant = $1 AND at >= $2 AND at <= $3 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;

-- name: outages
-- When the platform was down or behind, since an instant.
SELECT since, until FROM outages WHERE until IS NULL OR until > $1 ORDER BY since;

-- name: all
-- Every month of a plant in which something moved or of which something was said.
SELECT plant || ' ' || to_char(month, 'YYYY-MM') AS key FROM flows
UNION SELECT key FROM stated WHERE noun = 'month'
UNION SELECT key FROM custody_findings WHERE noun = 'month';
