-- Events of standing envelopes. Rows are copied in; conflicts, amendments and the registry change them.

-- name: past
-- Which of these ids some event claims or amends already.
SELECT event_id FROM events WHERE event_id = ANY($1::uuid[]) AND outcome = 'applied' AND NOT test
UNION ALL
SELECT event_id FROM events WHERE event_id = ANY($1::uuid[]) AND outcome IN ('duplicate', 'awaiting') AND NOT test
UNION ALL
SELECT target_id FROM events WHERE target_id = ANY($1::uuid[]) AND NOT test AND target_id IS NOT NULL;

-- name: with_ids
-- Every event that claims one of these ids, with its coordinate.
WITH found AS (
    SELECT * FROM events WHERE event_id = ANY($1::uuid[]) AND outcome = 'applied' AND NOT test
    UNION ALL
    SELECT * FROM events WHERE event_id = ANY($1::uuid[]) AND outcome IN ('duplicate', 'awaiting') AND NOT test
)
SELECT f.message, f.index, f.plant, f.event_id, f.hash, f.target_id, f.target_hash, f.outcome, f.effective, f.amended_at, f.rule,
       l.topic, l.partition, l.log_generation, l.log_offset, l.arrived_at
FROM found f JOIN ledger l USING (message)
WHERE f.rule IS DISTINCT FROM 'platform-fault';

-- name: amending
-- Events that amend one of these ids; only a plant's own amendments count.
SELECT DISTINCT event_id, plant, target_id FROM events WHERE target_id = ANY($1::uuid[]) AND NOT test AND target_id IS NOT NULL;

-- name: of_messages
-- The events of given messages, to take them back.
SELECT e.message, e.index, e.plant, e.event_id, e.hash, e.target_id, e.target_hash, e.outcome, e.effective, e.test, e.rule,
       l.topic, l.partition, l.log_generation, l.log_offset, l.arrived_at
FROM events e JOIN ledger l USING (message)
WHERE e.message = ANY($1::bigint[]);

-- name: remove
-- Takes out the events of envelopes that stand no longer; their bytes stay in the ledger.
DELETE FROM events WHERE message = ANY($1::bigint[]) RETURNING message, index,
    effective OR amended_at IS NOT NULL AS said;

-- name: step_down
-- Events that lose their place first, so that each id is applied once at every moment.
UPDATE events e SET outcome = k.outcome, effective = false, amended_at = NULL, rule = k.rule, field = k.field, remedy = k.remedy
FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[])
     AS k (message, index, outcome, rule, field, remedy)
WHERE e.message = k.message AND e.index = k.index;

-- name: step_up
-- Events that are applied now.
UPDATE events e SET outcome = 'applied', rule = NULL, field = NULL, remedy = NULL
FROM unnest($1::bigint[], $2::smallint[]) AS k (message, index)
WHERE e.message = k.message AND e.index = k.index;

-- name: set_saying
-- Which events say what is so now, and which did until an amendment arrived.
UPDATE events e SET effective = k.effective, amended_at = k.amended_at
FROM unnest($1::bigint[], $2::smallint[], $3::boolean[], $4::timestamptz[]) AS k (message, index, effective, amended_at)
WHERE e.message = k.message AND e.index = k.index;

-- name: by_outcome
-- Events by outcome, counted from the rows.
SELECT outcome, test, count(*) AS events FROM events GROUP BY outcome, test ORDER BY 1, 2;

-- name: miscounted
-- Standing envelopes whose events do not add up; none, or something was lost.
SELECT e.message, e.events, count(v.message) AS found
FROM envelopes e LEFT JOIN events v USING (message)
WHERE e.outcome = 'applied'
GROUP BY e.message, e.events
HAVING e.events <> count(v.message)
LIMIT 100;

-- name: refusals
-- What was refused or awaits, by rule and plant, the most frequent first; the first message stands for all.
SELECT v.outcome, v.rule, count(*) AS number, v.plant AS sender, NULL::text AS key_id,
       min(v.message) AS message, max(e.arrived_at) AS last_at, min(v.field) AS field, min(v.remedy) AS remedy
FROM events v JOIN envelopes e USING (message)
WHERE v.rule IS NOT NULL
GROUP BY v.outcome, v.rule, v.plant
ORDER BY number DESC, v.rule, v.plant
LIMIT 200;

-- name: ids
-- The ids of the events at places.
SELECT v.message, v.index, v.event_id FROM unnest($1::bigint[], $2::smallint[]) AS k (message, index)
JOIN events v USING (message, index);
