-- Following: statements that have come to say what is so now, or have ceased to; and what is to be judged for it.

-- name: settled
-- No decision is under way: every message up to the highest is there, or never will be. Custody is woken.
WITH moved AS (
    UPDATE platform SET settled_message = m.message
    FROM (SELECT max(message) AS message FROM ledger) AS m
    WHERE m.message > settled_message RETURNING m.message
)
SELECT pg_notify('monazite_settled', '') FROM moved;

-- name: reached
-- Up to which message statements have been followed, and may be.
SELECT f.message AS followed, p.settled_message AS settled FROM following f, platform p;

-- name: through
-- Up to which message so many messages with so many events go, at least one.
SELECT coalesce(min(message) - 1, $2::bigint) FROM (
    SELECT message, row_number() OVER in_order AS number, sum(events) OVER in_order - events AS before FROM (
        SELECT message, events FROM envelopes WHERE message > $1 AND message <= $2 ORDER BY message LIMIT $3::bigint + 1
    ) AS n WINDOW in_order AS (ORDER BY message)
) AS k WHERE number > $3 OR before >= $4::bigint;

-- name: reach
-- They have been followed up to here.
UPDATE following SET message = $1;

-- name: restated
-- Takes places from the queue whose causes have been read, all those of one cause at once.
DELETE FROM restated WHERE cause <= $1 AND (message, index) IN (
    SELECT message, index FROM restated WHERE cause <= $1 ORDER BY cause FETCH FIRST $2 ROWS WITH TIES
)
RETURNING message, index;

-- name: restate
-- Events that say what is so now, or say it no longer.
INSERT INTO restated AS r (message, index, cause) SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::bigint[])
ON CONFLICT (message, index) DO UPDATE SET cause = greatest(r.cause, excluded.cause);

-- name: restate_set_aside
-- Events on which our own code raised.
INSERT INTO restated (message, index, cause)
SELECT split_part(key, '/', 1)::bigint, split_part(key, '/', 2)::smallint, split_part(key, '/', 1)::bigint
FROM custody_findings WHERE rule = $1 AND noun = 'event' ON CONFLICT DO NOTHING;

-- name: next
-- The next messages with events that say what is so, or did until an amendment: until that is read, they say it still.
SELECT k.message, l.value, l.arrived_at, k.indexes, k.untils FROM (
    SELECT e.message, array_agg(e.index ORDER BY e.index) AS indexes, array_agg(CASE WHEN e.amended_at IS NULL OR EXISTS (
        SELECT FROM restated r WHERE r.message = e.message AND r.index = e.index AND r.cause > $2
    ) THEN NULL ELSE e.amended_at END ORDER BY e.index) AS untils
    FROM events e
    WHERE e.message > $1 AND e.message <= $2 AND (e.effective OR e.amended_at IS NOT NULL)
    GROUP BY e.message ORDER BY e.message LIMIT $3
) AS k JOIN ledger l USING (message) ORDER BY k.message;

-- name: again
-- The same of places that have been followed before.
SELECT e.message, l.value, l.arrived_at, array_agg(e.index ORDER BY e.index) AS indexes, array_agg(CASE WHEN e.amended_at IS NULL OR EXISTS (
        SELECT FROM restated r WHERE r.message = e.message AND r.index = e.index AND r.cause > $3
    ) THEN NULL ELSE e.amended_at END ORDER BY e.index) AS untils
FROM unnest($1::bigint[], $2::smallint[]) AS k (message, index)
JOIN events e USING (message, index) JOIN ledger l USING (message)
WHERE e.effective OR e.amended_at IS NOT NULL
GROUP BY e.message, l.value, l.arrived_at ORDER BY e.message;

-- name: at_places
-- Of these places, those whose events say what is so now.
SELECT e.message, l.value, l.arrived_at, array_agg(e.index ORDER BY e.index) AS indexes
FROM unnest($1::bigint[], $2::smallint[]) AS k (message, index)
JOIN events e USING (message, index) JOIN ledger l USING (message)
WHERE e.effective GROUP BY e.message, l.value, l.arrived_at ORDER BY e.message;

-- name: targets
-- The events that these amend.
SELECT k.message, k.index, e.message AS target_message, e.index AS target_index, l.value
FROM unnest($1::bigint[], $2::smallint[], $3::uuid[], $4::bytea[], $5::text[])
     AS k (message, index, target_id, target_hash, plant)
JOIN events e ON e.event_id = k.target_id AND e.hash = k.target_hash AND e.plant = k.plant
    AND e.outcome = 'applied' AND NOT e.test
JOIN ledger l ON l.message = e.message;

-- name: unstate
-- Takes back what statements said of shipments and months.
DELETE FROM stated s USING unnest($1::bigint[], $2::smallint[]) AS k (message, index)
WHERE s.message = k.message AND s.index = k.index RETURNING s.noun, s.key, s.data -> 'export' ->> 'licence' AS licence;

-- name: stated
-- What current statements say of keys of a noun; of one key more than enough.
SELECT k.key, x.message, x.index, x.plant, x.type, x.at, x.arrived_at, x.data FROM unnest($2::text[]) AS k (key)
CROSS JOIN LATERAL (
    SELECT s.message, s.index, s.plant, s.type, s.at, s.arrived_at, s.data FROM stated s
    WHERE s.noun = $1 AND s.key = k.key ORDER BY s.at, s.arrived_at, s.message, s.index LIMIT $3
) AS x
ORDER BY k.key, x.at, x.arrived_at;

-- name: followed
-- Whether everything up to a message has been followed, and whatever was restated by then.
SELECT f.message >= $1 AND NOT EXISTS (SELECT FROM restated WHERE cause <= $1) AS followed FROM following f;

-- name: caught_up
-- Whether everything that was decided has been followed, and nothing is in doubt.
SELECT f.message >= coalesce((SELECT max(message) FROM ledger), 0) AND NOT EXISTS (SELECT FROM restated)
       AND NOT EXISTS (SELECT FROM doubts) AND NOT EXISTS (SELECT FROM sweeps) AS caught_up
FROM following f;

-- name: backlog
-- What waits to be followed and to be judged.
SELECT 'message' AS what, greatest(0, coalesce((SELECT max(message) FROM ledger), 0) - f.message) AS waiting FROM following f
UNION ALL SELECT 'event', count(*) FROM restated
UNION ALL SELECT noun, count(d.noun) FROM unnest(ARRAY['lot', 'shipment', 'licence', 'month']) AS noun
LEFT JOIN doubts d USING (noun) GROUP BY noun;

-- name: numbered
-- The newest number that a message was given, whether or not it has been decided.
SELECT last_value FROM message_numbers;
