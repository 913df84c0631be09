-- A statement that awaits when a month is closed, and is applied later, is told of like an amendment.

DROP INDEX events_awaiting_amendments;
CREATE INDEX events_awaiting ON events (message, index) WHERE outcome = 'awaiting' AND NOT test;

-- Months that are closed are held against what was stated of them since.
INSERT INTO doubts (noun, key)
SELECT DISTINCT 'month', f.plant || ' ' || to_char(f.month, 'YYYY-MM') FROM flows f JOIN compared_months c USING (month)
ON CONFLICT DO NOTHING;
