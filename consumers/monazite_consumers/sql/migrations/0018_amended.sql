-- What statements said until they were amended: what was taken back begins an absence, which settles from then.

-- amended_at: this event said what was so until an amendment of it arrived. Of what was decided before, a rebuild tells.
ALTER TABLE events ADD COLUMN amended_at timestamptz,
    ADD CONSTRAINT event_amended_said_so CHECK (amended_at IS NULL OR (outcome = 'applied' AND NOT effective));

-- What moved stocks until it was amended.
CREATE TABLE past_moves (
    message  bigint      NOT NULL,
    index    smallint    NOT NULL,
    line     smallint    NOT NULL,
    plant    text        NOT NULL,
    lot      text        NOT NULL,
    kind     text        NOT NULL,
    step     text        NOT NULL,
    at       timestamptz NOT NULL,
    net_g    bigint      NOT NULL,
    product  text,
    origin   text,
    into_lot text,
    until    timestamptz NOT NULL,
    PRIMARY KEY (message, index, line)
);
CREATE INDEX past_moves_of_lot ON past_moves (lot);
CREATE INDEX past_moves_into ON past_moves (into_lot) WHERE into_lot IS NOT NULL;

-- Since when no lawful chain has stood behind it; of a lot that is broken from the beginning, nothing.
ALTER TABLE lot_states ADD COLUMN broken_since timestamptz;

CREATE OR REPLACE FUNCTION projections() RETURNS text[] IMMUTABLE LANGUAGE sql AS $$
    SELECT ARRAY['envelopes', 'source_states', 'events', 'draw_days', 'cap_days', 'caps', 'lots', 'findings', 'finding_sums',
                 'alerts', 'tallies', 'following', 'restated', 'doubts', 'sweeps', 'moves', 'past_moves', 'holdings', 'lot_states',
                 'stated', 'shipments', 'flows', 'outputs', 'stocks', 'element_flows', 'custody_findings', 'unfiled']
$$;
