-- Reports: each closed month's statements, revision by revision; and what has been restated since.

CREATE TABLE reports (
    level     text        NOT NULL,
    code      text        NOT NULL,
    month     date        NOT NULL,
    revision  integer     NOT NULL,
    judged_at timestamptz NOT NULL,
    -- The newest message that played a part.
    message   bigint      NOT NULL,
    hash      bytea       NOT NULL,
    document  bytea       NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (level, code, month, revision),
    CONSTRAINT report_level CHECK (level IN ('nation', 'province', 'enterprise', 'plant')),
    CONSTRAINT report_month CHECK (extract(day FROM month) = 1),
    CONSTRAINT report_revision CHECK (revision > 0),
    CONSTRAINT report_hash CHECK (length(hash) = 32)
);
CREATE INDEX reports_of_month ON reports (month, level, code);

-- Plants' months that have been judged anew: once they are closed, what they add up to is compared with their reports. A
-- month that is judged once more takes a later mark: what was compared in the meantime did not see it.
CREATE TABLE restated_months (
    plant text   NOT NULL,
    month date   NOT NULL,
    mark  bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (plant, month),
    CONSTRAINT restated_month CHECK (extract(day FROM month) = 1)
);

-- Messages that awaited something when a month was closed: what they amend, should they apply later, the report does not
-- tell. Kept as the reports are: who decides anew must know what nobody had decided then.
CREATE TABLE awaited_at_closing (
    month   date   NOT NULL,
    message bigint NOT NULL,
    PRIMARY KEY (month, message)
);

-- What was amended, and in which order it was decided: few of the events.
CREATE INDEX events_amending ON events (message, plant) WHERE target_id IS NOT NULL AND outcome = 'applied' AND NOT test;
