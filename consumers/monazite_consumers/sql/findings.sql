-- Findings: what rules noticed in events and messages; alerts are their sums. Rows are copied in.

-- name: remove
-- Takes out findings about events or messages; returns which alerts that touches.
DELETE FROM findings f
USING unnest($1::bigint[], $2::smallint[], $3::text[]) AS k (message, index, rule)
WHERE f.message = k.message AND f.index = k.index AND (k.rule = '' OR f.rule = k.rule)
RETURNING f.rule, f.subject, f.period, f.measure;

-- name: remove_of_subjects
-- Takes out a rule's findings about given subjects, to state them again.
DELETE FROM findings WHERE rule = $1 AND subject = ANY($2::text[]) RETURNING rule, subject, period, measure;

-- name: post_sums
-- Adds to the sums, in one order for everyone; a sum that comes to nothing stays as a row of zeros.
INSERT INTO finding_sums AS s (rule, subject, period, findings, measure)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
ON CONFLICT (rule, subject, period) DO UPDATE
SET findings = s.findings + excluded.findings, measure = s.measure + excluded.measure;

-- name: totals
-- What alerts on presence rest on, however much it is: the sums, and both ends of an index.
SELECT k.rule, k.subject, k.period, coalesce(s.findings, 0) AS count, coalesce(s.measure, 0) AS measure,
       (SELECT f.at FROM findings f WHERE f.rule = k.rule AND f.subject = k.subject AND f.period = k.period
        ORDER BY f.at LIMIT 1) AS first_at,
       (SELECT f.at FROM findings f WHERE f.rule = k.rule AND f.subject = k.subject AND f.period = k.period
        ORDER BY f.at DESC LIMIT 1) AS last_at
FROM unnest($1::text[], $2::text[], $3::text[]) AS k (rule, subject, period)
LEFT JOIN finding_sums s USING (rule, subject, period);

-- name: summed
-- What alerts on absence rest on: one counts when it began before the instant given.
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
