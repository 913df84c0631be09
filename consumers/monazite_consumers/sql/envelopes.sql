-- Envelopes: what was decided about each message. Rows are copied in; a registry change decides them again.

-- name: at_sequences
-- Every vouched envelope at the sequences that are touched, with its coordinate.
WITH touched AS MATERIALIZED (SELECT * FROM unnest($1::integer[], $2::bigint[]) AS k (source, sequence)),
found AS (
    SELECT e.* FROM touched JOIN envelopes e USING (source, sequence) WHERE e.occupies
    UNION ALL
    SELECT e.* FROM touched JOIN envelopes e USING (source, sequence)
    WHERE NOT e.occupies AND e.source IS NOT NULL AND e.vouched
)
SELECT f.message, f.source, f.sequence, f.hash, f.previous, f.outcome, f.occupies,
       l.topic, l.partition, l.log_generation, l.log_offset, l.arrived_at, l.key_id, l.seal
FROM found f JOIN ledger l USING (message);

-- name: neighbours
-- Occupants at given sequences: for checking the chain on both sides of what is touched.
SELECT e.message, e.source, e.sequence, e.hash, e.previous, e.arrived_at, e.outcome
FROM unnest($1::integer[], $2::bigint[]) AS k (source, sequence)
JOIN envelopes e USING (source, sequence)
WHERE e.occupies;

-- name: followers
-- The next occupant after given sequences, and how many are missing before it.
SELECT DISTINCT n.source, n.message, n.sequence, n.arrived_at, n.sequence - 1 - coalesce(
    (SELECT max(p.sequence) FROM envelopes p WHERE p.source = n.source AND p.sequence < n.sequence AND p.occupies), 0
) AS missing
FROM unnest($1::integer[], $2::bigint[]) AS k (source, sequence)
CROSS JOIN LATERAL (
    SELECT e.source, e.message, e.sequence, e.arrived_at FROM envelopes e
    WHERE e.source = k.source AND e.sequence > k.sequence AND e.occupies ORDER BY e.sequence LIMIT 1
) AS n;

-- name: of_messages
-- Where given messages stand in their chains.
SELECT e.message, e.source, e.sequence, e.hash, e.outcome, e.vouched, e.rule FROM envelopes e
WHERE e.message = ANY($1::bigint[]);

-- name: kept
-- Messages that nobody vouches for, already kept, with given hashes.
SELECT e.hash, l.key_id, l.seal, l.topic, l.partition, l.record_key, e.rule FROM envelopes e JOIN ledger l USING (message)
WHERE e.hash = ANY($1::bytea[]) AND e.outcome IN ('awaiting', 'refused') AND NOT e.vouched
  AND e.rule <> 'awaiting-bound';

-- name: kept_whole
-- Which of these values are kept in messages that do not stand.
SELECT DISTINCT hash FROM envelopes
WHERE hash = ANY($1::bytea[]) AND outcome IN ('awaiting', 'refused') AND rule <> 'awaiting-bound';

-- name: stripped
-- Messages with these values whose bytes were not kept, for want of room.
SELECT e.message, e.hash, l.key_id, l.topic, l.partition, l.log_generation, l.log_offset, l.arrived_at
FROM envelopes e JOIN ledger l USING (message)
WHERE e.hash = ANY($1::bytea[]) AND e.rule = 'awaiting-bound';

-- name: change
-- What is decided anew about envelopes.
UPDATE envelopes e
SET source = k.source, sequence = k.sequence, events = k.events, outcome = k.outcome, occupies = k.occupies,
    vouched = k.vouched, rule = k.rule, field = k.field, remedy = k.remedy
FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::smallint[], $5::text[], $6::boolean[], $7::boolean[],
            $8::text[], $9::text[], $10::text[])
     AS k (message, source, sequence, events, outcome, occupies, vouched, rule, field, remedy)
WHERE e.message = k.message;

-- name: awaiting_counts
-- How many messages are kept for a registration to come, of each claimed source and key.
SELECT source, key_id, count(*) AS messages FROM envelopes
WHERE outcome = 'awaiting' AND NOT vouched AND rule <> 'awaiting-bound'
GROUP BY source, key_id;

-- name: of_registrations
-- Messages whose fate hangs on the registration of given plants, or on given keys, whomever they claim to be of.
WITH found AS (
    SELECT e.message FROM sources s JOIN envelopes e USING (source)
    WHERE s.plant = ANY($1::text[]) AND (e.vouched OR e.outcome IN ('awaiting', 'duplicate'))
    UNION
    SELECT message FROM envelopes
    WHERE key_id = ANY($2::text[]) AND NOT vouched AND outcome IN ('awaiting', 'duplicate')
      AND rule IS DISTINCT FROM 'awaiting-bound'
)
SELECT e.message, e.source, e.sequence, e.outcome, e.vouched, e.rule, e.key_id,
       l.topic, l.partition, l.log_generation, l.arrived_at, s.plant, s.gateway
FROM found JOIN envelopes e USING (message) JOIN ledger l USING (message) LEFT JOIN sources s USING (source)
ORDER BY e.message;

-- name: by_outcome
-- Messages by partition and outcome, counted from the rows.
SELECT l.topic, l.partition, l.log_generation, e.outcome, count(*) AS messages
FROM envelopes e JOIN ledger l USING (message)
GROUP BY l.topic, l.partition, l.log_generation, e.outcome
ORDER BY 1, 2, 3, 4;

-- name: refusals
-- What was refused or awaits, by rule and claimed sender, the most frequent first; the first message stands for all.
SELECT e.outcome, e.rule, count(*) AS number, s.plant || '/' || s.gateway AS sender, e.key_id,
       min(e.message) AS message, max(e.arrived_at) AS last_at, min(e.field) AS field, min(e.remedy) AS remedy
FROM envelopes e LEFT JOIN sources s USING (source)
WHERE e.rule IS NOT NULL
GROUP BY e.outcome, e.rule, s.plant, s.gateway, e.key_id
ORDER BY number DESC, e.rule, sender, e.key_id
LIMIT 200;

-- name: chain
-- Per source: the highest sequence, and how many stand, are refused, and are missing.
SELECT s.plant, s.gateway, s.stream, s.incarnation, max(e.sequence) AS highest,
       count(*) FILTER (WHERE e.outcome = 'applied') AS standing,
       count(*) FILTER (WHERE e.outcome = 'refused') AS refused,
       max(e.sequence) - count(*) AS missing
FROM envelopes e JOIN sources s USING (source)
WHERE e.occupies
GROUP BY s.plant, s.gateway, s.stream, s.incarnation
ORDER BY 1, 2, 3, 4;
