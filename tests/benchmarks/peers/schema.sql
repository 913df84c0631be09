-- What the peers keep: what was received, the events, the caps with their days, the alerts. No lots, receipts, chains or positions.

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
    first_granted_g bigint,
    drawn_g bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (holder, year, kind)
);

-- An overrun is judged twice: now, and as it was on each day.
CREATE TABLE cap_days (
    holder text NOT NULL,
    year smallint NOT NULL,
    kind text NOT NULL,
    day date NOT NULL,
    drawn_g bigint NOT NULL,
    PRIMARY KEY (holder, year, kind, day)
);

CREATE TABLE grants (
    holder text NOT NULL,
    year smallint NOT NULL,
    kind text NOT NULL,
    day date NOT NULL,
    granted_g bigint NOT NULL,
    PRIMARY KEY (holder, year, kind, day)
);

CREATE TABLE alerts (
    rule text NOT NULL,
    subject text NOT NULL,
    period text NOT NULL,
    count bigint NOT NULL DEFAULT 1,
    raised_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rule, subject, period)
);
