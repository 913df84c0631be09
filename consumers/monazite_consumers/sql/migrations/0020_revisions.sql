-- What later revisions of a report must know: what awaited whenever it was drawn up, and when a month was compared last.

DELETE FROM awaited_at_closing a
WHERE NOT EXISTS (SELECT FROM reports r WHERE r.month = a.month AND r.level = 'nation' AND r.revision = 1);
ALTER TABLE awaited_at_closing RENAME TO awaited_by_reports;
-- index: of one event that awaits in a message that stands; -1: the whole message awaits.
ALTER TABLE awaited_by_reports
    ADD COLUMN judged_at timestamptz,
    ADD COLUMN index smallint NOT NULL DEFAULT -1,
    DROP CONSTRAINT awaited_at_closing_pkey;
UPDATE awaited_by_reports a SET judged_at = r.judged_at FROM reports r
WHERE r.month = a.month AND r.level = 'nation' AND r.revision = 1;
ALTER TABLE awaited_by_reports
    ALTER COLUMN index DROP DEFAULT,
    ALTER COLUMN judged_at SET NOT NULL,
    ADD PRIMARY KEY (month, judged_at, message, index);
CREATE INDEX events_awaiting_amendments ON events (message, index) WHERE target_id IS NOT NULL AND outcome = 'awaiting' AND NOT test;

-- As of when each closed month was compared with what is reported of it: once a day is enough.
CREATE TABLE compared_months (
    month       date        PRIMARY KEY,
    compared_at timestamptz NOT NULL,
    CONSTRAINT compared_month CHECK (extract(day FROM month) = 1)
);
INSERT INTO compared_months (month, compared_at) SELECT month, max(judged_at) FROM reports GROUP BY month;
