-- How far each partition has been read: moves in the transaction of the batch that was read.

-- name: read
-- Where to go on in each partition.
SELECT topic, partition, log_generation, start_offset, next_offset, received, holes
FROM intake_positions
WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::integer[]))
ORDER BY topic, partition, log_generation DESC;

-- name: open
-- Begins a partition at the log's start; a row that is there already stays.
INSERT INTO intake_positions (topic, partition, start_offset, next_offset) VALUES ($1, $2, $3, $3)
ON CONFLICT DO NOTHING;

-- name: advance
-- Moves a partition on, if nobody else has moved it since.
UPDATE intake_positions
SET next_offset = $5, received = received + $6, holes = holes + ($5 - $4 - $6)
WHERE topic = $1 AND partition = $2 AND log_generation = $3 AND next_offset = $4;

-- name: all
-- Every partition, for reconciling.
SELECT topic, partition, log_generation, start_offset, next_offset, received, holes
FROM intake_positions ORDER BY topic, partition, log_generation;
