-- The platform's own row: the driven clock, where watch last judged, and the epoch.

-- name: read
-- The one row.
SELECT instant, judged_at, epoch FROM platform;

-- name: drive
-- Moves the driven clock, never backwards; only the driver of a test or demo does.
UPDATE platform SET instant = $1 WHERE instant IS NULL OR instant <= $1 RETURNING instant;

-- name: judge
-- Watch has judged at an instant, never before the last one.
UPDATE platform SET judged_at = greatest(judged_at, $1) RETURNING judged_at;
