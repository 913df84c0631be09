-- Which topics were told what we have told: one that was deleted and made again has another id, and its readers know nothing.

CREATE TABLE told_topics (
    topic text NOT NULL,
    topic_id bytea NOT NULL,
    CONSTRAINT told_topics_pkey PRIMARY KEY (topic),
    CONSTRAINT told_topic_id CHECK (length(topic_id) = 16)
);
