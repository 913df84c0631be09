-- Unfiled: what came as a declaration and is none, for it was refused or awaits.

-- name: candidates
-- Of new messages of a topic, and of some others, what was refused or awaits, whole or event by event.
SELECT e.message, coalesce(v.index, -1) AS index, coalesce(v.plant, s.plant) AS plant, l.value, l.arrived_at,
       coalesce(v.outcome, e.outcome) AS outcome, coalesce(v.rule, e.rule) AS rule
FROM ledger l JOIN envelopes e USING (message)
LEFT JOIN sources s USING (source)
LEFT JOIN events v ON v.message = e.message AND v.outcome IN ('awaiting', 'refused') AND NOT v.test
WHERE (l.message > $1 AND l.message <= $2 OR l.message = ANY($3::bigint[])) AND l.topic = $4
  AND (e.outcome IN ('awaiting', 'refused') OR v.message IS NOT NULL) AND l.value IS NOT NULL
ORDER BY e.message, v.index;

-- name: remove
-- Of messages that are read again; of what was applied and set aside, the places themselves.
DELETE FROM unfiled u USING unnest($1::bigint[], $2::smallint[]) AS k (message, index)
WHERE u.message = k.message AND (u.outcome <> 'applied' OR u.index = k.index) RETURNING u.plant, u.month;

-- name: set_aside
-- A declaration, or what amends one, on which custody's own code raised.
SELECT e.message, e.index, e.plant, l.value, l.arrived_at, e.outcome, $3::text AS rule
FROM events e JOIN ledger l USING (message) WHERE e.message = $1 AND e.index = $2 AND e.effective AND l.topic = $4;

-- name: of_months
-- What came for plants' months and does not count, the first of each, and how many there are.
SELECT k.plant, k.month, x.outcome, x.rule, x.arrived_at, x.number, x.set_aside_at
FROM unnest($1::text[], $2::text[]) AS k (plant, month)
CROSS JOIN LATERAL (
    SELECT u.outcome, u.rule, u.arrived_at, count(*) OVER () AS number,
           min(u.arrived_at) FILTER (WHERE u.rule = $4) OVER () AS set_aside_at
    FROM unfiled u
    WHERE u.plant = k.plant AND u.month = k.month ORDER BY u.arrived_at DESC, u.outcome, u.rule LIMIT $3
) AS x
ORDER BY k.plant, k.month, x.arrived_at, x.outcome, x.rule;

-- name: perhaps_owed
-- Of plants' months those that somebody may owe: whoever is no plant, and what was before the first duty, asks for nothing.
SELECT k.plant, k.month FROM unnest($1::text[], $2::text[]) AS k (plant, month)
WHERE EXISTS (SELECT FROM registry_entries e WHERE e.noun = 'plants' AND e.key = k.plant)
  AND k.month >= (SELECT left(min(e.document ->> 'since'), 7) FROM registry_entries e WHERE e.noun = 'duties');
