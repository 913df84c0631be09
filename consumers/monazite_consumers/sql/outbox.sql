-- The outbox: what must be published, written in the transaction that decided it.

-- name: put
-- Messages to publish; their numbers grow in the order given. The relay is told at the commit, and how urgent they are.
WITH put AS (
    INSERT INTO outbox (topic, key, value, arrived_at)
    SELECT *, $4::timestamptz FROM unnest($1::text[], $2::bytea[], $3::bytea[])
)
SELECT pg_notify('monazite_outbox', $5);

-- name: unpublished
-- What is not yet marked, in order: so many rows, and about so many bytes.
SELECT publication, topic, key, value, arrived_at, written_at FROM (
    SELECT w.*, sum(length(value)) OVER (ORDER BY publication) - length(value) AS bytes_before FROM (
        SELECT publication, topic, key, value, arrived_at, written_at
        FROM outbox WHERE published_at IS NULL AND parked_at IS NULL ORDER BY publication LIMIT $1
    ) AS w
) AS s WHERE bytes_before < $2 ORDER BY publication;

-- name: mark
-- Marks what is about to be published; commits when the broker has committed it.
UPDATE outbox SET published_at = clock_timestamp() WHERE publication = ANY($1::bigint[]);

-- name: depth
-- How much waits, and since when.
SELECT count(*) AS messages, min(written_at) AS oldest_at FROM outbox WHERE published_at IS NULL AND parked_at IS NULL;

-- name: forget
-- Forgets what was published before an instant, but not the publication by which the relay knows its own database.
DELETE FROM outbox WHERE published_at < $1 AND publication <> $2;

-- name: park
-- Sets a message aside that the broker does not take, so that others need not wait for it.
UPDATE outbox SET parked_at = clock_timestamp() WHERE publication = $1;

-- name: unpark
-- Whoever takes over tries again.
UPDATE outbox SET parked_at = NULL WHERE parked_at IS NOT NULL AND published_at IS NULL;

-- name: waiting
-- What waits on topics of which each message bears an epoch.
SELECT publication, value FROM outbox
WHERE published_at IS NULL AND (topic LIKE 'regulator-alerts%' OR topic LIKE 'receipts-%') ORDER BY publication;

-- name: rewrite
-- Messages that wait, in other words.
UPDATE outbox SET value = k.value FROM unnest($1::bigint[], $2::bytea[]) AS k (publication, value) WHERE outbox.publication = k.publication;
