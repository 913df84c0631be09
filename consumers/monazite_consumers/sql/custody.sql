-- Custody: what lots are, and what is noticed about lots, shipments and months.

-- name: states
-- What lots were found to be.
SELECT lot, plant, product, origin, net_g, reo_g, broken, depth, feed, oxides, broken_since, used_g
FROM lot_states WHERE lot = ANY($1::text[]);

-- name: put_states
-- What lots are.
INSERT INTO lot_states (lot, plant, product, origin, net_g, reo_g, broken, depth, feed, oxides, broken_since, used_g)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::integer[],
                     $9::text[], $10::text[], $11::timestamptz[], $12::bigint[])
ON CONFLICT (lot) DO UPDATE SET plant = excluded.plant, product = excluded.product, origin = excluded.origin,
    net_g = excluded.net_g, reo_g = excluded.reo_g, broken = excluded.broken, depth = excluded.depth, feed = excluded.feed,
    oxides = excluded.oxides, broken_since = excluded.broken_since, used_g = excluded.used_g;

-- name: forget_states
-- Lots that no statement speaks of any more.
DELETE FROM lot_states WHERE lot = ANY($1::text[]);

-- name: noticed
-- What is noticed about keys of a noun.
SELECT key, rule, subject, period, at, measure, detail FROM custody_findings WHERE noun = $1 AND key = ANY($2::text[]);

-- name: in_use
-- What is noticed about a key in use, also while it is being rebuilt.
SELECT key, rule, subject, period, at, measure, detail FROM public.custody_findings WHERE noun = $1 AND key = $2;

-- name: unnotice
-- It is so no longer.
DELETE FROM custody_findings f USING unnest($2::text[], $3::text[], $4::text[]) AS k (key, rule, subject)
WHERE f.noun = $1 AND f.key = k.key AND f.rule = k.rule AND f.subject = k.subject;

-- name: totals
-- What alerts rest on: findings that have settled by an instant.
SELECT k.rule, k.subject, k.period, count(f.key) AS count, least(coalesce(sum(f.measure), 0), 9223372036854775807)::bigint AS measure,
       min(f.at) AS first_at, max(f.at) AS last_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS k (rule, subject, period, settled_before)
LEFT JOIN custody_findings f ON f.rule = k.rule AND f.subject = k.subject AND f.period = k.period AND f.at <= k.settled_before
GROUP BY k.rule, k.subject, k.period;

-- name: examples
-- The first of what alerts rest on.
SELECT k.rule, k.subject, k.period, x.detail
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS k (rule, subject, period, settled_before)
CROSS JOIN LATERAL (
    SELECT f.detail, f.at, f.key FROM custody_findings f
    WHERE f.rule = k.rule AND f.subject = k.subject AND f.period = k.period AND f.at <= k.settled_before
    ORDER BY f.at, f.key LIMIT $5
) AS x
ORDER BY k.rule, k.subject, k.period, x.at, x.key;
