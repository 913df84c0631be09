-- The outbox: what must be published, written in the transaction that decided it.

-- name: put
-- Messages to publish; their numbers grow in the order given.
INSERT INTO outbox (topic, key, value, arrived_at) SELECT *, $4::timestamptz FROM unnest($1::text[], $2::bytea[], $3::bytea[]);

-- name: wake
-- Tells the relay that there is something to publish, at the commit.
SELECT pg_notify('monazite_outbox', '');

-- name: unpublished
-- What is not yet marked, in order.
SELECT publication, topic, key, value, arrived_at, written_at FROM outbox WHERE published_at IS NULL ORDER BY publication LIMIT $1;

-- name: mark
-- Marks what the broker has acknowledged.
UPDATE outbox SET published_at = clock_timestamp() WHERE publication = ANY($1::bigint[]);

-- name: depth
-- How much waits, and since when.
SELECT count(*) AS waiting, min(written_at) AS oldest_at FROM outbox WHERE published_at IS NULL;

-- name: forget
-- Forgets what was published before an instant.
DELETE FROM outbox WHERE published_at < $1;
