-- The platform's own row: the driven clock, where watch last judged, and the epoch.

-- name: read
-- The one row. Only who holds the registry lock alone moves judged_at, so that nobody judges at an instant that has passed.
SELECT instant, judged_at, epoch FROM platform;

-- name: begin
-- The instant of the first apply: before it nothing was judged.
UPDATE platform SET judged_at = $1 WHERE judged_at < '2001-01-01';

-- name: drive
-- Moves the driven clock, never backwards; only the driver of a test or demo does.
UPDATE platform SET instant = $1 WHERE instant IS NULL OR instant <= $1 RETURNING instant;

-- name: ring
-- Tells watch that the driven clock has moved, so that it need not be waited for.
SELECT pg_notify('monazite_clock', '');

-- name: judge
-- Watch has judged at an instant, never before the last one.
UPDATE platform SET judged_at = greatest(judged_at, $1) RETURNING judged_at;
