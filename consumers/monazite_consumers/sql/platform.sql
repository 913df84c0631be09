-- The platform's own row: the driven clock, where watch last judged, the epoch, and what a restored database awaits.

-- name: read
-- The one row. Only who holds the registry lock alone moves judged_at, so that nobody judges at an instant that has passed.
SELECT instant, judged_at, epoch, awaited_digest, judge_again_at, known_until FROM platform;

-- name: begin
-- The instant of the first apply: before it nothing was judged, and nobody was owed that anything be known.
UPDATE platform SET judged_at = $1, known_until = $1, known_at = clock_timestamp(), passed_at = clock_timestamp()
WHERE judged_at < '2001-01-01';

-- name: drive
-- Moves the driven clock, never backwards; only the driver of a test or demo does.
UPDATE platform SET instant = $1 WHERE instant IS NULL OR instant <= $1 RETURNING instant;

-- name: ring
-- Tells watch that the driven clock has moved, so that it need not be waited for.
SELECT pg_notify('monazite_clock', '');

-- name: judge
-- Watch has judged at an instant, never before the last one.
UPDATE platform SET judged_at = greatest(judged_at, $1) RETURNING judged_at;

-- name: instant
-- Where the driven clock stands, if there is one.
SELECT instant FROM platform;

-- name: settled_message
-- Every message up to here is there, or never will be.
SELECT settled_message FROM platform;

-- name: known_until
-- Everything that had arrived by then has been decided and followed.
SELECT known_until FROM platform;

-- name: server_clock
-- PostgreSQL's own clock.
SELECT clock_timestamp();

-- name: stands_still
-- Whether nothing more has become known for a time.
SELECT clock_timestamp() - known_at > $1 FROM platform;

-- name: passed
-- Watch passes. Whether it was away for longer than a restart takes is kept until everything is known again.
UPDATE platform SET was_down = was_down OR clock_timestamp() - passed_at > $1, passed_at = clock_timestamp();

-- name: know
-- Everything that had arrived by an instant is known; until when it was before, and how long nothing more was.
UPDATE platform SET known_until = $1, known_at = clock_timestamp(), was_down = false WHERE known_until <= $1
RETURNING old.known_until AS since, old.was_down, clock_timestamp() - old.known_at AS unknown_for, instant IS NOT NULL AS is_driven;

-- name: standing
-- What the relay must know before each pass; the arguments name a publication that this database should know.
SELECT p.epoch, p.awaited_digest, p.instant, coalesce(r.revision, 0) AS revision, r.digest,
       EXISTS (SELECT FROM outbox o WHERE o.publication = $1 AND o.written_at = $2) AS known,
       greatest(p.outages_told, (SELECT max(number) FROM outages)) AS outage_revision
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
