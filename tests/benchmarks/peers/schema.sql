-- What the peers keep: what was received, the events, the caps, the alerts. No lots, receipts, chains or positions.

CREATE TABLE ledger (
    message bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    partition integer NOT NULL,
    log_offset bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    record_key bytea,
    value bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (topic, partition, log_offset)
);

CREATE TABLE events (
    event_id uuid PRIMARY KEY,
    plant text NOT NULL,
    hash bytea NOT NULL,
    type text NOT NULL,
    event_time timestamptz NOT NULL
);

CREATE TABLE caps (
    holder text NOT NULL,
    year smallint NOT NULL,
    kind text NOT NULL,
    granted_g bigint,
    drawn_g bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (holder, year, kind)
);

CREATE TABLE alerts (
    rule text NOT NULL,
    subject text NOT NULL,
    period text NOT NULL,
    count bigint NOT NULL DEFAULT 1,
    raised_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rule, subject, period)
);
