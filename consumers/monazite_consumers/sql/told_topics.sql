-- The topics that the relay writes to, by the broker's id: an id is never given twice.

-- name: all
-- Every topic that was told something.
SELECT topic, topic_id FROM told_topics;

-- name: put
-- Topics as they are now.
INSERT INTO told_topics (topic, topic_id) SELECT * FROM unnest($1::text[], $2::bytea[])
ON CONFLICT (topic) DO UPDATE SET topic_id = excluded.topic_id;
