-- How far each generation of a partition's log has been read: moves in the transaction of the batch that was read.

-- name: read
-- Where to go on in each partition.
SELECT topic, partition, log_generation, start_offset, next_offset, received, holes, lost
FROM intake_positions
WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::integer[]))
ORDER BY topic, partition, log_generation DESC;

-- name: open
-- Begins a partition at the log's start; a row that is there already stays.
INSERT INTO intake_positions (topic, partition, start_offset, next_offset) VALUES ($1, $2, $3, $3)
ON CONFLICT DO NOTHING;

-- name: advance
-- Moves partitions on that nobody else has moved since; returns which. They are locked in one order.
WITH held AS (
    SELECT k.*
    FROM unnest($1::text[], $2::integer[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
         AS k (topic, partition, log_generation, read_to, next_offset, received, lost)
    JOIN intake_positions p USING (topic, partition, log_generation)
    WHERE p.next_offset = k.read_to
    ORDER BY topic, partition
    FOR UPDATE OF p
)
UPDATE intake_positions p
SET next_offset = h.next_offset, received = p.received + h.received, lost = p.lost + h.lost,
    holes = p.holes + (h.next_offset - h.read_to - h.received - h.lost)
FROM held h
WHERE (p.topic, p.partition, p.log_generation) = (h.topic, h.partition, h.log_generation)
RETURNING p.topic, p.partition;

-- name: all
-- Every partition, for reconciling.
SELECT topic, partition, log_generation, start_offset, next_offset, received, holes, lost
FROM intake_positions ORDER BY topic, partition, log_generation;

-- name: lasts
-- The newest message that is kept of each of the partitions' generations, to hold against the log.
SELECT k.topic, k.partition, l.log_offset, l.arrived_at, l.hash
FROM unnest($1::text[], $2::integer[], $3::integer[]) AS k (topic, partition, log_generation)
CROSS JOIN LATERAL (
    SELECT log_offset, arrived_at, hash FROM ledger
    WHERE (topic, partition, log_generation) = (k.topic, k.partition, k.log_generation)
    ORDER BY log_offset DESC LIMIT 1
) AS l;

-- name: skip
-- Adds to what was passed over on a day.
INSERT INTO skipped_days AS s (topic, partition, log_generation, day, holes, lost)
SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::date[], $5::bigint[], $6::bigint[])
ON CONFLICT (topic, partition, log_generation, day)
DO UPDATE SET holes = s.holes + excluded.holes, lost = s.lost + excluded.lost;

-- name: skipped
-- What was passed over in each partition, for reconciling.
SELECT topic, partition, log_generation, sum(holes)::bigint AS holes, sum(lost)::bigint AS lost
FROM skipped_days GROUP BY topic, partition, log_generation;

-- name: skipped_on
-- What was passed over in the partitions of topics on days.
SELECT s.topic, s.day, s.partition, s.log_generation, s.holes, s.lost
FROM unnest($1::text[], $2::date[]) AS k (topic, day) JOIN skipped_days s USING (topic, day)
ORDER BY s.topic, s.day, s.partition, s.log_generation;

-- name: lock_newest
-- The newest generation of a partition, held until the commit.
SELECT log_generation, next_offset FROM intake_positions WHERE topic = $1 AND partition = $2
ORDER BY log_generation DESC LIMIT 1 FOR UPDATE;

-- name: begin_generation
-- Begins a new generation of a partition at the new log's start.
INSERT INTO intake_positions (topic, partition, log_generation, start_offset, next_offset) VALUES ($1, $2, $3, $4, $4);

-- name: adopt
-- Says who took the new log for the old one's.
INSERT INTO adoptions (topic, partition, log_generation, adopted_at, adopted_by, reason, read_to, log_start, log_end)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: adopted_on
-- Logs of topics that were adopted on days in Asia/Shanghai.
SELECT k.topic, k.day, a.partition, a.log_generation, a.reason, a.read_to, a.log_start, a.log_end
FROM unnest($1::text[], $2::date[]) AS k (topic, day)
JOIN adoptions a ON a.topic = k.topic AND (a.adopted_at AT TIME ZONE 'Asia/Shanghai')::date = k.day
ORDER BY k.topic, k.day, a.partition, a.log_generation;

-- name: alert_keys
-- Every topic and day on which a log was not what it was, by rule.
SELECT DISTINCT 'log-holes' AS rule, topic, day FROM skipped_days WHERE holes > 0
UNION SELECT DISTINCT 'log-lost', topic, day FROM skipped_days WHERE lost > 0
UNION SELECT DISTINCT 'log-replaced', topic, (adopted_at AT TIME ZONE 'Asia/Shanghai')::date FROM adoptions
ORDER BY 1, 2, 3;
