-- The platform's own row: the driven clock, where watch last judged, the epoch, and what a restored database awaits.

-- name: read
-- The one row. Only who holds the registry lock alone moves judged_at, so that nobody judges at an instant that has passed.
SELECT instant, judged_at, epoch, awaited_digest, judge_again_at FROM platform;

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

-- name: standing
-- What the relay must know before each pass; the arguments name a publication that this database should know.
SELECT p.epoch, p.awaited_digest, p.instant, coalesce(r.revision, 0) AS revision, r.digest,
       EXISTS (SELECT FROM outbox o WHERE o.publication = $1 AND o.written_at = $2) AS known
FROM platform p LEFT JOIN (SELECT revision, digest FROM registry_revisions ORDER BY revision DESC LIMIT 1) AS r ON true;

-- name: restored
-- The database was restored: a new epoch, and nothing is decided until the registry has this digest.
UPDATE platform SET epoch = $1, awaited_digest = $2;

-- name: await
-- The registry in force is the one to go on with.
UPDATE platform SET awaited_digest = $1 WHERE awaited_digest IS NOT NULL RETURNING epoch;

-- name: reopen
-- Decisions may go on; what the topic told of is judged again at an instant.
UPDATE platform SET awaited_digest = NULL, judge_again_at = $1;

-- name: judged_again
-- Every alert has been judged since the restore.
UPDATE platform SET judge_again_at = NULL;
