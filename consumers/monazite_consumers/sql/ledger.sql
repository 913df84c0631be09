-- What was said: one row for each message as received. Rows are copied in, never changed.

-- name: number
-- Numbers for so many new messages.
SELECT nextval('message_numbers') AS message FROM generate_series(1, $1::integer);

-- name: lock_names
-- One decision at a time about each plant, gateway's stranger or topic; the caller sorts the keys.
SELECT count(pg_advisory_xact_lock($1::integer, k)) FROM unnest($2::integer[]) AS k;

-- name: arrivals
-- Messages as they arrived, to be read again.
SELECT message, topic, partition, log_generation, log_offset, arrived_at, record_key, key_id, seal, value, hash, size
FROM ledger WHERE message = ANY($1::bigint[]) ORDER BY message;

-- name: in_order
-- All messages by coordinate, for a rebuild.
SELECT message, topic, partition, log_generation, log_offset, arrived_at, record_key, key_id, seal, value, hash, size
FROM ledger ORDER BY arrived_at, topic, partition, log_generation, log_offset;

-- name: until
-- Messages below an offset in each partition and generation of its log, by coordinate.
SELECT l.message, l.topic, l.partition, l.log_generation, l.log_offset, l.arrived_at, l.record_key, l.key_id, l.seal, l.value,
       l.hash, l.size
FROM ledger l JOIN unnest($1::text[], $2::integer[], $3::integer[], $4::bigint[])
    AS k (topic, partition, log_generation, next_offset) USING (topic, partition, log_generation)
WHERE l.log_offset < k.next_offset ORDER BY l.arrived_at, l.topic, l.partition, l.log_generation, l.log_offset;

-- name: kept_whole
-- Which of these values are kept; for the few messages without theirs, when they are decided again.
SELECT DISTINCT hash FROM ledger WHERE hash = ANY($1::bytea[]) AND value IS NOT NULL;

-- name: values
-- The bytes of messages.
SELECT message, value FROM ledger WHERE message = ANY($1::bigint[]);
