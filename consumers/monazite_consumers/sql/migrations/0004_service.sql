-- What the services keep: people's handling, outgoing messages, receipts' numbers, tallies and the clock.

-- By people only; survives every rebuild.
CREATE TABLE handlings (
    alert      text        PRIMARY KEY,
    handling   text        NOT NULL,
    handled_by text        NOT NULL,
    note       text,
    handled_at timestamptz NOT NULL,
    CONSTRAINT handling_is_a_persons CHECK (handling IN ('acknowledged', 'resolved'))
);

-- arrived_at: the newest message that this answers; null where none does, and on a driven clock.
CREATE TABLE outbox (
    publication  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic        text        NOT NULL,
    key          bytea       NOT NULL,
    value        bytea       NOT NULL,
    arrived_at   timestamptz,
    written_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_at timestamptz
);
CREATE INDEX outbox_unpublished ON outbox (publication) WHERE published_at IS NULL;

CREATE TABLE receipt_numbers (
    source integer PRIMARY KEY,
    number bigint  NOT NULL
);

-- Messages by outcome: kept beside the rows so that reconciling is cheap; `ledger reconcile` counts the rows.
CREATE TABLE tallies (
    topic          text    NOT NULL,
    partition      integer NOT NULL,
    log_generation integer NOT NULL,
    outcome        text    NOT NULL,
    messages       bigint  NOT NULL,
    PRIMARY KEY (topic, partition, log_generation, outcome)
);

-- One row. instant is null on the real clock; judged_at is where watch last judged; epoch grows after a restore.
CREATE TABLE platform (
    only_row  boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    instant   timestamptz,
    judged_at timestamptz NOT NULL,
    epoch     integer     NOT NULL DEFAULT 1
);
INSERT INTO platform (judged_at) VALUES ('2000-01-01T00:00:00Z');
