-- Outages: when the platform was down or behind. Facts, not projections: a rebuild reads them, nobody changes them.

-- name: add
-- One that is over, under the next number that nobody was told of.
INSERT INTO outages (number, since, until, what)
SELECT 1 + greatest(max(number), (SELECT outages_told FROM platform)), $1, $2, $3 FROM outages RETURNING number;

-- name: tell
-- Up to a number the database of which this one is an older state had recorded them.
UPDATE platform SET outages_told = greatest(outages_told, $1);

-- name: is_known
-- Whether what was known at a revision is known here.
SELECT $1::bigint = 0 OR EXISTS (SELECT FROM outages WHERE number = $1);

-- name: listed
-- All of them, as they were recorded.
SELECT number, since, until, what FROM outages ORDER BY number;

-- name: since
-- Those that ended after an instant, in their order.
SELECT since, until FROM outages WHERE until > $1 ORDER BY since, until;

-- name: of_revision
-- Those that were known at a revision, in their order.
SELECT since, until FROM outages WHERE number <= $1 ORDER BY since, until;

-- name: revision
-- The number of the newest one; 0: there was none.
SELECT coalesce(max(number), 0)::bigint AS revision FROM outages;
