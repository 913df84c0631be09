-- Balance: where output comes from and whether its chain is lawful, what was on hand at each month's end, and elements.

-- Of output where its feed comes from and whether its chain ends lawfully, of any move its elements' oxides: as last summed.
ALTER TABLE moves ADD COLUMN feed text, ADD COLUMN lawful boolean, ADD COLUMN oxides text;

ALTER TABLE lot_states ADD COLUMN feed text NOT NULL DEFAULT 'unknown', ADD COLUMN oxides text;

-- What was made, by where its feed came from: a lot of several origins is split between them.
CREATE TABLE outputs (
    plant   text    NOT NULL,
    month   date    NOT NULL,
    product text    NOT NULL,
    step    text    NOT NULL,
    origin  text    NOT NULL,
    lawful  boolean NOT NULL,
    lines   bigint  NOT NULL,
    net_g   bigint  NOT NULL,
    reo_g   bigint  NOT NULL,
    PRIMARY KEY (plant, month, product, step, origin, lawful),
    CONSTRAINT output_month CHECK (extract(day FROM month) = 1)
);

-- What a plant had of a product at the end of each month in which any of it moved.
CREATE TABLE stocks (
    plant   text   NOT NULL,
    product text   NOT NULL,
    month   date   NOT NULL,
    moves   bigint NOT NULL,
    net_g   bigint NOT NULL,
    reo_g   bigint NOT NULL,
    PRIMARY KEY (plant, product, month),
    CONSTRAINT stock_month CHECK (extract(day FROM month) = 1)
);

-- Sums of moves by element; without one, the REO of what no assay tells the elements of.
CREATE TABLE element_flows (
    plant   text    NOT NULL,
    month   date    NOT NULL,
    kind    text    NOT NULL,
    step    text    NOT NULL,
    element text    NOT NULL,
    moves   bigint  NOT NULL,
    oxide_g bigint  NOT NULL,
    squares numeric NOT NULL,
    PRIMARY KEY (plant, month, kind, step, element),
    CONSTRAINT element_flow_month CHECK (extract(day FROM month) = 1)
);

CREATE OR REPLACE FUNCTION projections() RETURNS text[] IMMUTABLE LANGUAGE sql AS $$
    SELECT ARRAY['envelopes', 'source_states', 'events', 'draw_days', 'cap_days', 'caps', 'lots', 'findings', 'finding_sums',
                 'alerts', 'tallies', 'following', 'restated', 'doubts', 'sweeps', 'moves', 'holdings', 'lot_states', 'stated',
                 'shipments', 'flows', 'outputs', 'stocks', 'element_flows', 'custody_findings', 'unfiled']
$$;
