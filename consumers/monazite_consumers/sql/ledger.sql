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

-- name: kept_whole
-- Which of these values are kept; for the few messages without theirs, when they are decided again.
SELECT DISTINCT hash FROM ledger WHERE hash = ANY($1::bytea[]) AND value IS NOT NULL;

-- name: values
-- The bytes of messages.
SELECT message, value FROM ledger WHERE message = ANY($1::bigint[]);
