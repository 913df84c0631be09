-- What was said: every message as received, append-only, and how far each partition has been read.

CREATE SEQUENCE message_numbers;

-- key_id and seal are null where the headers do not hold exactly one of each in ASCII; odd_headers then keeps them all.
-- value is null for a tombstone, and for what exceeds the bound on awaiting messages (then size tells what it was).
CREATE TABLE ledger (
    message        bigint      PRIMARY KEY,
    topic          text        NOT NULL,
    partition      integer     NOT NULL,
    log_generation integer     NOT NULL,
    log_offset     bigint      NOT NULL,
    arrived_at     timestamptz NOT NULL,
    record_key     bytea,
    key_id         text,
    seal           bytea,
    odd_headers    jsonb,
    value          bytea,
    size           integer     NOT NULL,
    hash           bytea       NOT NULL,
    CONSTRAINT ledger_coordinate UNIQUE (topic, partition, log_generation, log_offset)
);

-- received counts messages, holes the offsets between them that hold none (transaction markers).
CREATE TABLE intake_positions (
    topic          text    NOT NULL,
    partition      integer NOT NULL,
    log_generation integer NOT NULL DEFAULT 1,
    start_offset   bigint  NOT NULL,
    next_offset    bigint  NOT NULL,
    received       bigint  NOT NULL DEFAULT 0,
    holes          bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition, log_generation),
    CONSTRAINT position_adds_up CHECK (next_offset - start_offset = received + holes)
);

CREATE TABLE sources (
    source      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plant       text NOT NULL,
    gateway     text NOT NULL,
    stream      text NOT NULL,
    incarnation text NOT NULL,
    CONSTRAINT source_identity UNIQUE (plant, gateway, stream, incarnation)
);
