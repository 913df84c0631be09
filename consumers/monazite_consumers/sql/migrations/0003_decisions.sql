-- What was decided about what was said. Everything here is rebuilt from the ledger and the registry.

-- occupies: holds its source's sequence, standing (applied) or refused by content.
CREATE TABLE envelopes (
    message    bigint      PRIMARY KEY,
    source     integer,
    sequence   bigint,
    hash       bytea       NOT NULL,
    previous   bytea,
    arrived_at timestamptz NOT NULL,
    key_id     text,
    events     smallint    NOT NULL DEFAULT 0,
    outcome    text        NOT NULL,
    occupies   boolean     NOT NULL,
    vouched    boolean     NOT NULL,
    rule       text,
    field      text,
    remedy     text,
    CONSTRAINT envelope_outcome CHECK (outcome IN ('applied', 'awaiting', 'duplicate', 'refused')),
    CONSTRAINT envelope_standing_occupies CHECK (outcome <> 'applied' OR occupies),
    CONSTRAINT envelope_occupant_is_vouched CHECK (NOT occupies OR vouched),
    CONSTRAINT envelope_reason CHECK ((outcome IN ('applied', 'duplicate')) = (rule IS NULL))
);
CREATE UNIQUE INDEX envelopes_occupants ON envelopes (source, sequence) WHERE occupies;
CREATE INDEX envelopes_others ON envelopes (source, sequence) WHERE NOT occupies AND source IS NOT NULL;
CREATE INDEX envelopes_kept ON envelopes (hash) WHERE outcome IN ('awaiting', 'refused');

-- decided: the sequences that stand or are refused.
CREATE TABLE source_states (
    source  integer         PRIMARY KEY,
    decided int8multirange  NOT NULL
);

-- One row for each event of a standing envelope. effective: this event says what is so now.
CREATE TABLE events (
    message     bigint      NOT NULL,
    index       smallint    NOT NULL,
    plant       text        NOT NULL,
    event_id    uuid,
    hash        bytea       NOT NULL,
    type        text        NOT NULL,
    event_time  timestamptz,
    outcome     text        NOT NULL,
    effective   boolean     NOT NULL,
    test        boolean     NOT NULL,
    target_id   uuid,
    target_hash bytea,
    rule        text,
    field       text,
    remedy      text,
    PRIMARY KEY (message, index),
    CONSTRAINT event_outcome CHECK (outcome IN ('applied', 'awaiting', 'duplicate', 'refused')),
    CONSTRAINT event_effective_is_applied CHECK (NOT effective OR outcome = 'applied'),
    CONSTRAINT event_identified CHECK (event_id IS NOT NULL OR outcome IN ('refused', 'awaiting'))
);
CREATE UNIQUE INDEX events_applied ON events (event_id) WHERE outcome = 'applied' AND NOT test;
CREATE INDEX events_others ON events (event_id) WHERE outcome IN ('duplicate', 'awaiting') AND NOT test;
CREATE INDEX events_targets ON events (target_id) WHERE target_id IS NOT NULL AND NOT test;

-- Draws as sums: original_g as first stated, drawn_g as it stands after corrections and voids.
CREATE TABLE draw_days (
    plant      text    NOT NULL,
    day        date    NOT NULL,
    kind       text    NOT NULL,
    basis      text    NOT NULL,
    drawn_g    bigint  NOT NULL,
    original_g bigint  NOT NULL,
    events     integer NOT NULL,
    PRIMARY KEY (plant, day, kind, basis),
    CONSTRAINT draw_kind CHECK (kind IN ('mining_rock', 'mining_ionic', 'separation')),
    CONSTRAINT draw_basis CHECK (basis IN ('output', 'feed', 'recycled', 'separated_again'))
);

CREATE TABLE cap_days (
    holder     text     NOT NULL,
    year       smallint NOT NULL,
    kind       text     NOT NULL,
    day        date     NOT NULL,
    drawn_g    bigint   NOT NULL,
    original_g bigint   NOT NULL,
    PRIMARY KEY (holder, year, kind, day)
);

-- granted_g as issued at the judged instant; overrun_*: judged then, from the first issue on.
CREATE TABLE caps (
    holder            text     NOT NULL,
    year              smallint NOT NULL,
    kind              text     NOT NULL,
    drawn_g           bigint   NOT NULL DEFAULT 0,
    original_g        bigint   NOT NULL DEFAULT 0,
    granted_g         bigint,
    overrun_first_day date,
    overrun_last_day  date,
    overrun_peak_g    bigint,
    PRIMARY KEY (holder, year, kind)
);

CREATE TABLE lots (
    lot     text        NOT NULL,
    message bigint      NOT NULL,
    index   smallint    NOT NULL,
    plant   text        NOT NULL,
    product text        NOT NULL,
    origin  text        NOT NULL,
    net_g   bigint      NOT NULL,
    reo_g   bigint,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (lot, message, index)
);

-- index -1: about the whole message. at: event time, for absences the arrival from which they settle.
CREATE TABLE findings (
    message  bigint      NOT NULL,
    index    smallint    NOT NULL,
    rule     text        NOT NULL,
    subject  text        NOT NULL,
    period   text        NOT NULL,
    at       timestamptz NOT NULL,
    measure  bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (message, index, rule)
);
CREATE INDEX findings_of_alert ON findings (rule, subject, period);
CREATE INDEX findings_by_time ON findings (rule, at);

CREATE TABLE alerts (
    alert      text        PRIMARY KEY,
    rule       text        NOT NULL,
    subject    text        NOT NULL,
    period     text        NOT NULL,
    province   text,
    condition  text        NOT NULL,
    severity   text        NOT NULL,
    percent    integer,
    evidence   jsonb       NOT NULL,
    raised_at  timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    revision   integer     NOT NULL,
    CONSTRAINT alert_identity UNIQUE (rule, subject, period),
    CONSTRAINT alert_condition CHECK (condition IN ('raised', 'recovered', 'retracted'))
);
