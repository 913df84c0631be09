-- How much each alert rests on, kept as a sum: a flood of findings costs each batch no more than the first one did.

CREATE TABLE finding_sums (
    rule     text   NOT NULL,
    subject  text   NOT NULL,
    period   text   NOT NULL,
    findings bigint NOT NULL,
    measure  bigint NOT NULL,
    PRIMARY KEY (rule, subject, period)
);

INSERT INTO finding_sums (rule, subject, period, findings, measure)
SELECT rule, subject, period, count(*), sum(measure) FROM findings GROUP BY rule, subject, period;

-- With the instant: the first and the last finding of an alert are at the ends of its part of the index.
DROP INDEX findings_of_alert;
CREATE INDEX findings_of_alert ON findings (rule, subject, period, at);

CREATE OR REPLACE FUNCTION projections() RETURNS text[] IMMUTABLE LANGUAGE sql AS $$
    SELECT ARRAY['envelopes', 'source_states', 'events', 'draw_days', 'cap_days', 'caps', 'lots', 'findings', 'finding_sums',
                 'alerts', 'tallies']
$$;
