-- Outages: when the platform was down or behind. Facts, not projections: a rebuild reads them, nobody changes them.

-- name: add
-- One that is over, under the next number.
INSERT INTO outages (number, since, until, what)
SELECT 1 + coalesce(max(number), 0), $1, $2, $3 FROM outages RETURNING number;

-- name: since
-- Those that ended after an instant, in their order.
SELECT since, until FROM outages WHERE until > $1 ORDER BY since, until;

-- name: of_revision
-- Those that were known at a revision, in their order.
SELECT since, until FROM outages WHERE number <= $1 ORDER BY since, until;

-- name: revision
-- The number of the newest one; 0: there was none.
SELECT coalesce(max(number), 0)::bigint AS revision FROM outages;
