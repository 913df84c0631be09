-- What a restored database must not give out again: numbers that its topics tell of and it does not know.

-- The highest revision of each report that was announced by a database of which this one is an older state.
CREATE TABLE told_reports (
    level    text    NOT NULL,
    code     text    NOT NULL,
    month    date    NOT NULL,
    revision integer NOT NULL,
    PRIMARY KEY (level, code, month),
    CONSTRAINT told_report_revision CHECK (revision > 0)
);

-- The newest outage that such a one had recorded.
ALTER TABLE platform ADD COLUMN outages_told bigint NOT NULL DEFAULT 0;
