-- The same rows with nothing that costs: no key, no index.

CREATE TABLE ledger (
    message bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    partition integer NOT NULL,
    log_offset bigint NOT NULL,
    arrived_at timestamptz NOT NULL,
    record_key bytea,
    value bytea NOT NULL,
    hash bytea NOT NULL
);

CREATE TABLE events (
    event_id uuid NOT NULL,
    plant text NOT NULL,
    hash bytea NOT NULL,
    type text NOT NULL
);
