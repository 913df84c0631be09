-- Alerts: findings that someone must answer. The condition is computed here; handling is kept apart, by people.

-- name: lock
-- The alerts with these ids, locked in order until the commit.
SELECT alert, rule, subject, period, province, condition, severity, percent, evidence, raised_at, changed_at, revision
FROM alerts WHERE alert = ANY($1::text[]) ORDER BY alert FOR UPDATE;

-- name: of_rules
-- Keys of the alerts of given rules.
SELECT rule, subject, period FROM alerts WHERE rule = ANY($1::text[]);

-- name: put
-- Alerts in their new state.
INSERT INTO alerts (alert, rule, subject, period, province, condition, severity, percent, evidence, raised_at, changed_at, revision)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[],
                     $9::jsonb[], $10::timestamptz[], $11::timestamptz[], $12::integer[])
ON CONFLICT (alert) DO UPDATE
SET province = excluded.province, condition = excluded.condition, severity = excluded.severity,
    percent = excluded.percent, evidence = excluded.evidence, raised_at = excluded.raised_at,
    changed_at = excluded.changed_at, revision = excluded.revision;

-- name: add
-- Alerts that the database does not know, as they were told.
INSERT INTO alerts (alert, rule, subject, period, province, condition, severity, percent, evidence, raised_at, changed_at, revision)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[],
                     $9::jsonb[], $10::timestamptz[], $11::timestamptz[], $12::integer[])
ON CONFLICT DO NOTHING;

-- name: keys
-- What every alert is about.
SELECT rule, subject, period FROM alerts;

-- name: handlings
-- What people did about alerts.
SELECT alert, handling FROM handlings WHERE alert = ANY($1::text[]);

-- name: listed
-- Alerts with their handling, gravest and newest first; null arguments do not narrow.
SELECT a.alert, a.rule, a.subject, a.period, a.province, a.condition, a.severity, a.percent, a.evidence,
       a.raised_at, a.changed_at, a.revision, coalesce(h.handling, 'new') AS handling
FROM alerts a LEFT JOIN handlings h USING (alert)
WHERE ($1::text[] IS NULL OR a.condition = ANY($1::text[])) AND ($2::text IS NULL OR a.rule = $2)
ORDER BY array_position(ARRAY['critical', 'serious', 'warning', 'information'], a.severity), a.changed_at DESC, a.rule, a.subject;

-- name: begun
-- Alerts whose id begins so, with what people did about them.
SELECT a.alert, a.rule, a.subject, a.period, a.province, a.condition, a.severity, a.percent, a.evidence, a.raised_at,
       a.changed_at, a.revision, coalesce(h.handling, 'new') AS handling, h.handled_by, h.note, h.handled_at
FROM alerts a LEFT JOIN handlings h USING (alert) WHERE starts_with(a.alert, $1) ORDER BY a.alert LIMIT $2;

-- name: ids
-- Of every alert.
SELECT alert FROM alerts;

-- name: by_rule
-- How many alerts there are of each rule and condition.
SELECT rule, severity, condition, count(*) AS alerts FROM alerts GROUP BY rule, severity, condition ORDER BY rule, condition;

-- name: handled
-- What people did, and who, and when.
SELECT alert, handling, handled_by, handled_at FROM handlings WHERE alert = ANY($1::text[]);

-- name: put_handlings
-- What people did, as they said it.
INSERT INTO handlings (alert, handling, handled_by, note, handled_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
ON CONFLICT (alert) DO UPDATE SET handling = excluded.handling, handled_by = excluded.handled_by,
    note = excluded.note, handled_at = excluded.handled_at;

-- name: drop_handlings
-- Alerts that somebody has put back to new.
DELETE FROM handlings WHERE alert = ANY($1::text[]);

-- name: whole
-- Every alert, in the order in which they changed.
SELECT alert, rule, subject, period, province, condition, severity, percent, evidence, raised_at, changed_at, revision
FROM alerts ORDER BY changed_at, alert;
