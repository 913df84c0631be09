-- A restored database decides nothing until its registry is the last one; what the broker never takes is set aside.

-- Digest of the registry that was in force when the relay published last; null unless the database was restored.
ALTER TABLE platform ADD COLUMN awaited_digest bytea;

ALTER TABLE outbox ADD COLUMN parked_at timestamptz;
DROP INDEX outbox_unpublished;
CREATE INDEX outbox_unpublished ON outbox (publication) WHERE published_at IS NULL AND parked_at IS NULL;
