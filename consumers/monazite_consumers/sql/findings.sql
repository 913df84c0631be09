-- Findings: what rules noticed in events and messages; alerts are their sums. Rows are copied in.

-- name: remove
-- Takes out findings about events or messages; returns which alerts that touches.
DELETE FROM findings f
USING unnest($1::bigint[], $2::smallint[], $3::text[]) AS k (message, index, rule)
WHERE f.message = k.message AND f.index = k.index AND (k.rule = '' OR f.rule = k.rule)
RETURNING f.rule, f.subject, f.period;

-- name: remove_of_subjects
-- Takes out a rule's findings about given subjects, to state them again.
DELETE FROM findings WHERE rule = $1 AND subject = ANY($2::text[]) RETURNING rule, subject, period;

-- name: summed
-- What each alert rests on; an absence counts when it began before the instant given for its rule's kind.
SELECT k.rule, k.subject, k.period, count(f.message) AS count, min(f.at) AS first_at, max(f.at) AS last_at,
       sum(f.measure)::bigint AS measure
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS k (rule, subject, period, settled_before)
LEFT JOIN findings f
  ON f.rule = k.rule AND f.subject = k.subject AND f.period = k.period AND f.at <= k.settled_before
GROUP BY k.rule, k.subject, k.period;

-- name: settling
-- Absences that settled between two instants.
SELECT DISTINCT rule, subject, period FROM findings WHERE rule = ANY($1::text[]) AND at > $2 AND at <= $3;

-- name: of_rules
-- The alerts that rest on findings of given rules.
SELECT DISTINCT rule, subject, period FROM findings WHERE rule = ANY($1::text[]);

-- name: amended_draws
-- The amendments that changed draws of days written so, for an overrun that they cleared; moved: what they moved.
SELECT f.subject, f.period AS moved, e.event_id FROM findings f JOIN events e USING (message, index)
WHERE f.rule = 'draw-amended' AND f.period LIKE '%' || $1 || '%' ORDER BY e.event_id;
