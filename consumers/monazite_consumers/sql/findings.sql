-- Findings: what rules noticed in events and messages; alerts are their sums. Rows are copied in.

-- name: remove
-- Takes out findings about events or messages; returns which alerts that touches.
DELETE FROM findings f
USING unnest($1::bigint[], $2::smallint[], $3::text[]) AS k (message, index, rule)
WHERE f.message = k.message AND f.index = k.index AND (k.rule = '' OR f.rule = k.rule)
RETURNING f.rule, f.subject, f.period, f.measure;

-- name: post_sums
-- Adds to the sums, in one order for everyone; a sum that comes to nothing stays as a row of zeros.
INSERT INTO finding_sums AS s (rule, subject, period, findings, measure)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
ON CONFLICT (rule, subject, period) DO UPDATE
SET findings = s.findings + excluded.findings, measure = s.measure + excluded.measure;

-- name: totals
-- What alerts rest on, however much it is: the sums, and both ends of an index.
SELECT k.rule, k.subject, k.period, coalesce(s.findings, 0) AS count, coalesce(s.measure, 0) AS measure,
       (SELECT f.at FROM findings f WHERE f.rule = k.rule AND f.subject = k.subject AND f.period = k.period
        ORDER BY f.at LIMIT 1) AS first_at,
       (SELECT f.at FROM findings f WHERE f.rule = k.rule AND f.subject = k.subject AND f.period = k.period
        ORDER BY f.at DESC LIMIT 1) AS last_at
FROM unnest($1::text[], $2::text[], $3::text[]) AS k (rule, subject, period)
LEFT JOIN finding_sums s USING (rule, subject, period);

-- name: envelopes
-- The first envelopes that alerts about a gateway rest on, and the first of the sequences that are missing before each.
SELECT k.rule, k.subject, k.period, x.source, x.sequence, CASE WHEN k.rule = 'envelope-gap' THEN 1 + coalesce((
    SELECT max(p.sequence) FROM envelopes p WHERE p.source = x.number AND p.sequence < x.sequence AND p.occupies
), 0) END AS first
FROM unnest($1::text[], $2::text[], $3::text[]) AS k (rule, subject, period)
CROSS JOIN LATERAL (
    SELECT f.at, e.source AS number, e.sequence, concat_ws('/', s.plant, s.gateway, s.stream, s.incarnation) AS source
    FROM findings f JOIN envelopes e USING (message) JOIN sources s ON s.source = e.source
    WHERE f.rule = k.rule AND f.subject = k.subject AND f.period = k.period
    ORDER BY f.at, 4, e.sequence LIMIT $4
) AS x
ORDER BY k.rule, k.subject, k.period, x.at, x.source, x.sequence;

-- name: shared_lots
-- The first statements that alerts about lot numbers rest on, and the first lots of each that others made too.
SELECT k.rule, k.subject, k.period, x.event_id, ARRAY(
    SELECT l.lot FROM lots l WHERE l.message = x.message AND l.index = x.index
    AND EXISTS (SELECT FROM lots o WHERE o.lot = l.lot AND (o.message, o.index) <> (l.message, l.index))
    ORDER BY l.lot LIMIT $4
) AS lots
FROM unnest($1::text[], $2::text[], $3::text[]) AS k (rule, subject, period)
CROSS JOIN LATERAL (
    SELECT f.at, f.message, f.index, v.event_id FROM findings f JOIN events v USING (message, index)
    WHERE f.rule = k.rule AND f.subject = k.subject AND f.period = k.period
    ORDER BY f.at, v.event_id LIMIT $4
) AS x
ORDER BY k.rule, k.subject, k.period, x.at, x.event_id;

-- name: settling
-- Absences that settled between two instants; those of what is in doubt are looked at when it has been judged.
SELECT rule, subject, period FROM findings WHERE rule = ANY($1::text[]) AND at > $2 AND at <= $3
UNION
SELECT rule, subject, period FROM custody_findings f WHERE rule = ANY($1::text[]) AND at > $2 AND at <= $3
AND NOT EXISTS (SELECT FROM doubts d WHERE d.noun = f.noun AND d.key = f.key);

-- name: of_rules
-- The alerts that rest on findings of given rules.
SELECT rule, subject, period FROM findings WHERE rule = ANY($1::text[])
UNION
SELECT rule, subject, period FROM custody_findings WHERE rule = ANY($1::text[]);

-- name: amended_draws
-- The amendments that changed draws of days written so, for an overrun that they cleared; moved: what they moved.
SELECT f.subject, f.period AS moved, e.event_id FROM findings f JOIN events e USING (message, index)
WHERE f.rule = 'draw-amended' AND f.period LIKE '%' || $1 || '%' ORDER BY e.event_id;
