-- Deadlines: through which instant everything that arrived is known, outages with numbers, and what did not count as filed.

-- `known_at` and `passed_at` are of the real clock, so that a driven clock that jumps is no outage.
ALTER TABLE platform
    ADD COLUMN known_until timestamptz NOT NULL DEFAULT '2000-01-01T00:00:00Z',
    ADD COLUMN known_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN passed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN was_down boolean NOT NULL DEFAULT false;
-- What an earlier release received is not followed yet: until it is, nothing is known, and that is nobody's outage.
UPDATE platform SET known_until = judged_at WHERE NOT EXISTS (SELECT FROM ledger);

-- What came as a declaration and is none: refused, or awaiting.
CREATE TABLE unfiled (
    message    bigint      NOT NULL,
    index      smallint    NOT NULL,
    plant      text        NOT NULL,
    month      text        NOT NULL,
    outcome    text        NOT NULL,
    rule       text        NOT NULL,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (message, index),
    CONSTRAINT unfiled_outcome CHECK (outcome IN ('awaiting', 'refused', 'applied'))
);
CREATE INDEX unfiled_of_month ON unfiled (plant, month, arrived_at);

-- What plants are told of declarations that disagree with their events; no rule: that they do no longer.
CREATE TABLE flagged (
    message bigint   NOT NULL,
    index   smallint NOT NULL,
    key     text     NOT NULL,
    rule    text,
    field   text,
    remedy  text,
    told    boolean  NOT NULL DEFAULT false,
    PRIMARY KEY (message, index)
);
CREATE INDEX flagged_of_key ON flagged (key);
CREATE INDEX flagged_untold ON flagged (key) WHERE NOT told;

CREATE OR REPLACE FUNCTION projections() RETURNS text[] IMMUTABLE LANGUAGE sql AS $$
    SELECT ARRAY['envelopes', 'source_states', 'events', 'draw_days', 'cap_days', 'caps', 'lots', 'findings', 'finding_sums',
                 'alerts', 'tallies', 'following', 'restated', 'doubts', 'sweeps', 'moves', 'holdings', 'lot_states', 'stated',
                 'shipments', 'flows', 'custody_findings', 'unfiled']
$$;

CREATE OR REPLACE FUNCTION shadow_open() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    DROP SCHEMA IF EXISTS shadow CASCADE;
    CREATE SCHEMA shadow;
    -- What is told while rebuilding goes nowhere.
    FOREACH name IN ARRAY projections() || ARRAY['outbox', 'receipt_numbers', 'flagged'] LOOP
        EXECUTE format('CREATE TABLE shadow.%I (LIKE public.%I INCLUDING ALL)', name, name);
    END LOOP;
    INSERT INTO shadow.following DEFAULT VALUES;
    PERFORM set_config('search_path', 'shadow, public', true);
END
$$;
