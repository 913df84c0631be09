-- Custody: what current statements do to stocks and shipments, kept by a stage that follows intake.

ALTER TABLE platform ADD COLUMN settled_message bigint NOT NULL DEFAULT 0;

-- Up to which message statements have been followed; what was restated before that is in a queue.
CREATE TABLE following (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT following_only_row CHECK (only_row),
    message  bigint  NOT NULL DEFAULT 0
);
INSERT INTO following DEFAULT VALUES;

-- `cause`: the message that says so now. Until that is read, the place goes on saying what it said.
CREATE TABLE restated (
    message bigint   NOT NULL,
    index   smallint NOT NULL,
    cause   bigint   NOT NULL,
    PRIMARY KEY (message, index)
);
CREATE INDEX restated_by_cause ON restated (cause);

-- What is to be judged anew: a lot, a shipment, a plant's month.
CREATE TABLE doubts (
    noun text NOT NULL,
    key  text NOT NULL,
    PRIMARY KEY (noun, key),
    CONSTRAINT doubt_noun CHECK (noun IN ('lot', 'shipment', 'licence', 'month'))
);

CREATE TABLE sweeps (
    noun  text PRIMARY KEY,
    after text NOT NULL,
    CONSTRAINT sweep_noun CHECK (noun IN ('lot', 'shipment'))
);

-- When the platform itself was down or behind: no plant is late for it. Facts, like the ledger: written once, when one is
-- over, and never changed. The newest number is the outage revision.
CREATE TABLE outages (
    since  timestamptz NOT NULL,
    until  timestamptz NOT NULL,
    what   text        NOT NULL,
    number bigint      PRIMARY KEY,
    CONSTRAINT outage_order CHECK (until > since),
    CONSTRAINT outage_what CHECK (what IN ('down', 'behind'))
);

CREATE TABLE moves (
    message   bigint      NOT NULL,
    index     smallint    NOT NULL,
    line      smallint    NOT NULL,
    plant     text        NOT NULL,
    lot       text        NOT NULL,
    kind      text        NOT NULL,
    step      text        NOT NULL,
    at        timestamptz NOT NULL,
    net_g     bigint      NOT NULL,
    product   text,
    origin    text,
    reo_g     bigint,
    claimed_g bigint,
    into_lot  text,
    shipment  text,
    PRIMARY KEY (message, index, line),
    CONSTRAINT move_kind CHECK (kind IN (
        'opening', 'imported', 'taken_in', 'made', 'used', 'left_over', 'dispatched', 'received', 'refused', 'returned',
        'lost', 'lost_in_process'
    )),
    -- Of a split less than nothing is left over if its parts weigh more.
    CONSTRAINT move_mass CHECK (net_g >= 0 OR kind = 'left_over')
);
CREATE INDEX moves_of_lot ON moves (lot, plant, kind, at);
-- Both directions of the chain are read from the index alone.
CREATE INDEX moves_into ON moves (into_lot) INCLUDE (lot, net_g) WHERE into_lot IS NOT NULL;
CREATE INDEX moves_out_of ON moves (lot) INCLUDE (into_lot, net_g) WHERE into_lot IS NOT NULL;
CREATE INDEX moves_of_plant ON moves (plant, at);
CREATE INDEX moves_of_shipment ON moves (shipment) WHERE shipment IS NOT NULL;

CREATE TABLE holdings (
    lot     text   NOT NULL,
    plant   text   NOT NULL,
    kind    text   NOT NULL,
    net_g   bigint NOT NULL,
    moves   bigint NOT NULL,
    PRIMARY KEY (lot, plant, kind),
    CONSTRAINT holding_kind CHECK (kind IN (
        'opening', 'imported', 'taken_in', 'made', 'used', 'left_over', 'dispatched', 'received', 'refused', 'returned',
        'lost', 'lost_in_process'
    ))
);

CREATE TABLE lot_states (
    lot     text PRIMARY KEY,
    plant   text     NOT NULL,
    product text,
    origin  text,
    net_g   bigint   NOT NULL,
    reo_g   bigint,
    broken  text,
    depth   integer  NOT NULL
);

-- What current statements say of a shipment or of a plant's month, as it was written.
CREATE TABLE stated (
    message    bigint      NOT NULL,
    index      smallint    NOT NULL,
    noun       text        NOT NULL,
    key        text        NOT NULL,
    plant      text        NOT NULL,
    type       text        NOT NULL,
    at         timestamptz NOT NULL,
    arrived_at timestamptz NOT NULL,
    data       jsonb       NOT NULL,
    PRIMARY KEY (message, index),
    CONSTRAINT stated_noun CHECK (noun IN ('shipment', 'month'))
);
CREATE INDEX stated_of_key ON stated (noun, key, at);
CREATE INDEX stated_of_licence ON stated ((data -> 'export' ->> 'licence')) WHERE data -> 'export' ->> 'licence' IS NOT NULL;

CREATE TABLE shipments (
    shipment      text PRIMARY KEY,
    consignor     text NOT NULL,
    waybill       text NOT NULL,
    consignee     text NOT NULL,
    state         text NOT NULL,
    actor         text,
    due_at        timestamptz,
    dispatched_at timestamptz,
    received_at   timestamptz,
    lines         jsonb NOT NULL,
    CONSTRAINT shipment_state CHECK (state IN (
        'under way', 'received', 'short', 'over', 'partly refused', 'refused', 'left the register', 'not dispatched'
    ))
);
CREATE INDEX shipments_open ON shipments (due_at) WHERE actor IS NOT NULL;

-- Sums of moves, by plant, month and product; of what has no assay of its own the REO is that of its lot.
CREATE TABLE flows (
    plant     text   NOT NULL,
    month     date   NOT NULL,
    product   text   NOT NULL,
    kind      text   NOT NULL,
    step      text   NOT NULL,
    origin    text   NOT NULL,
    moves     bigint NOT NULL,
    net_g     bigint NOT NULL,
    reo_g     bigint NOT NULL,
    claimed_g bigint NOT NULL,
    -- Squares of lines add up to that of their uncertainty.
    reo_squares numeric NOT NULL,
    PRIMARY KEY (plant, month, product, kind, step, origin),
    CONSTRAINT flow_month CHECK (extract(day FROM month) = 1)
);

-- What is noticed about a lot, a shipment or a plant's month: it belongs to that, and to no event.
CREATE TABLE custody_findings (
    noun    text        NOT NULL,
    key     text        NOT NULL,
    rule    text        NOT NULL,
    subject text        NOT NULL,
    period  text        NOT NULL,
    at      timestamptz NOT NULL,
    measure bigint      NOT NULL,
    detail  jsonb       NOT NULL,
    PRIMARY KEY (noun, key, rule, subject)
);
CREATE INDEX custody_findings_of_alert ON custody_findings (rule, subject, period, at);
CREATE INDEX custody_findings_by_time ON custody_findings (rule, at);

CREATE OR REPLACE FUNCTION projections() RETURNS text[] IMMUTABLE LANGUAGE sql AS $$
    SELECT ARRAY['envelopes', 'source_states', 'events', 'draw_days', 'cap_days', 'caps', 'lots', 'findings', 'finding_sums',
                 'alerts', 'tallies', 'following', 'restated', 'doubts', 'sweeps', 'moves', 'holdings', 'lot_states', 'stated',
                 'shipments', 'flows', 'custody_findings']
$$;

CREATE OR REPLACE FUNCTION shadow_open() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    DROP SCHEMA IF EXISTS shadow CASCADE;
    CREATE SCHEMA shadow;
    -- What is told while rebuilding goes nowhere.
    FOREACH name IN ARRAY projections() || ARRAY['outbox', 'receipt_numbers'] LOOP
        EXECUTE format('CREATE TABLE shadow.%I (LIKE public.%I INCLUDING ALL)', name, name);
    END LOOP;
    INSERT INTO shadow.following DEFAULT VALUES;
    PERFORM set_config('search_path', 'shadow, public', true);
END
$$;
