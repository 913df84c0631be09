-- Reports: the sums of a month as they stand, and the statements that were stored of them.

-- name: caps
-- The days of all caps of a year, until a day.
SELECT holder, kind, array_agg(day ORDER BY day) AS days, array_agg(drawn_g ORDER BY day) AS drawn_g
FROM cap_days WHERE year = $1 AND day <= $2 GROUP BY holder, kind ORDER BY holder, kind;

-- name: shipments
-- Shipments dispatched in a span, by consignor and how they stand.
SELECT consignor, state, count(*) AS shipments,
       sum((SELECT coalesce(sum((line ->> 'sent_g')::bigint), 0) FROM jsonb_array_elements(lines) AS line))::bigint AS net_g
FROM shipments WHERE dispatched_at >= $1 AND dispatched_at < $2 GROUP BY 1, 2;

-- name: open_pairs
-- How many shipments somebody must still act on, of what began before an instant, and by another should have; by both sides.
SELECT consignor, consignee, count(*) AS open, count(*) FILTER (WHERE due_at <= $2) AS overdue FROM shipments
WHERE actor IS NOT NULL AND coalesce(dispatched_at, received_at) < $1 GROUP BY 1, 2;

-- name: open_shipments
-- Of each plant on either side the most urgent of them, each with its products.
SELECT shipment, consignor, consignee, state, actor, due_at, dispatched_at,
       (SELECT coalesce(sum(CASE WHEN dispatched_at IS NULL THEN (line ->> 'accepted_g')::bigint
                                 ELSE (line ->> 'sent_g')::bigint END), 0)
        FROM jsonb_array_elements(lines) AS line)::bigint AS net_g,
       ARRAY(SELECT line ->> 'product' FROM jsonb_array_elements(lines) AS line) AS products
FROM (
    SELECT s.*, row_number() OVER (PARTITION BY side.plant ORDER BY due_at, shipment COLLATE "C") AS number
    FROM shipments s CROSS JOIN LATERAL (SELECT s.consignor UNION SELECT s.consignee) AS side (plant)
    WHERE actor IS NOT NULL AND coalesce(dispatched_at, received_at) < $1
) AS each WHERE number <= $2;

-- name: conditions
-- Alerts that hold about plants, gateways, enterprises and caps, of a month or of time before it.
SELECT alert, rule, subject, period, province, condition, severity, percent, evidence, raised_at, changed_at, revision
FROM alerts WHERE condition = 'raised' AND rule = ANY($1::text[]) AND period <> '' AND period COLLATE "C" < $2;

-- name: amendments
-- Amendments that change, or put in place, what is said of a span: decided after a message, or awaiting back then; newest first.
WITH RECURSIVE told AS (
    SELECT e.plant, e.message, e.index, e.type, e.event_id, e.event_time, e.target_id, e.target_hash, e.target_id AS named
    FROM events e
    WHERE e.target_id IS NOT NULL AND e.outcome = 'applied' AND NOT e.test AND e.plant = ANY($1::text[])
      AND (e.message > $2 OR EXISTS (
          SELECT FROM awaited_by_reports a
          WHERE a.month = $7 AND a.judged_at = $8 AND a.message = e.message AND a.index IN (-1, e.index)
      ))
      AND NOT EXISTS (
          SELECT FROM findings f WHERE f.message = e.message AND f.index = e.index AND f.rule = ANY($5::text[])
      )
    UNION ALL
    SELECT t.plant, t.message, t.index, t.type, t.event_id, t.event_time, e.target_id, e.target_hash, t.named
    FROM told t JOIN events e ON e.event_id = t.target_id AND e.hash = t.target_hash AND e.plant = t.plant
    WHERE e.target_id IS NOT NULL AND e.outcome = 'applied' AND NOT e.test
), found AS (
    SELECT DISTINCT t.plant, t.message, t.index, t.type, t.named FROM told t
    JOIN events r ON r.event_id = t.target_id AND r.hash = t.target_hash AND r.plant = t.plant
    WHERE r.target_id IS NULL AND r.outcome = 'applied' AND NOT r.test
      AND (r.event_time >= $3 AND r.event_time < $4
           OR t.type LIKE '%.correction.%' AND t.event_time >= $3 AND t.event_time < $4)
), counted AS (
    SELECT f.*, l.arrived_at, l.log_offset, l.topic, l.partition,
           row_number() OVER (PARTITION BY f.plant ORDER BY l.arrived_at DESC, l.topic COLLATE "C", l.partition, l.log_offset DESC,
                              f.index DESC) AS number,
           count(*) OVER (PARTITION BY f.plant) AS amendments
    FROM found f JOIN ledger l USING (message)
)
SELECT c.plant, c.type, c.named, c.arrived_at, c.index, c.amendments, l.value
FROM counted c JOIN ledger l USING (message) WHERE c.number <= $6
ORDER BY c.arrived_at DESC, c.topic COLLATE "C", c.partition, c.log_offset DESC, c.index DESC;

-- name: differences
-- In how many figures plants' declarations of a month disagree with their events, and the first of them.
SELECT subject AS plant, measure, detail -> 'lines' AS lines FROM custody_findings WHERE noun = 'month' AND rule = 'declaration-differs' AND period = $1;

-- name: position
-- How far each partition has been decided, and the newest message.
SELECT topic, partition, log_generation, next_offset, (SELECT coalesce(max(message), 0) FROM ledger) AS message
FROM intake_positions ORDER BY topic COLLATE "C", partition, log_generation;

-- name: residue
-- How much custody has yet to follow and to judge; more than so many doubts are not counted.
SELECT coalesce((SELECT max(message) FROM ledger), 0) - f.message AS messages, (SELECT count(*) FROM restated) AS restated,
       (SELECT count(*) FROM (SELECT FROM doubts LIMIT $1) AS d) AS doubts, (SELECT count(*) FROM sweeps) AS sweeps
FROM following f;

-- name: outage
-- Whether nothing new could be known for a while: the platform is behind, and how long it will be nobody knows.
SELECT clock_timestamp() - known_at > $1 FROM platform;

-- name: newest
-- On what the newest revisions of a month rest, and whose they are.
SELECT DISTINCT ON (level, code) level, code, message, judged_at FROM reports
WHERE month = $1 ORDER BY level, code, revision DESC;

-- name: newest_of
-- The newest revision of one report.
SELECT level, code, month, revision, judged_at, message, hash, document FROM reports
WHERE level = $1 AND code = $2 AND month = $3 ORDER BY revision DESC LIMIT 1;

-- name: one
-- One revision of one report.
SELECT level, code, month, revision, judged_at, message, hash, document FROM reports
WHERE level = $1 AND code = $2 AND month = $3 AND revision = $4;

-- name: with_hash
-- The report of a hash.
SELECT level, code, month, revision, judged_at, message, hash, document FROM reports WHERE hash = $1;

-- name: announced
-- Every revision, as it is announced.
SELECT level, code, month, revision, hash, stored_at FROM reports ORDER BY stored_at, level, code, month, revision;

-- name: told_revision
-- The highest revision of a report that was announced, as far as a restored database heard of it.
SELECT revision FROM told_reports WHERE level = $1 AND code = $2 AND month = $3;

-- name: tell
-- Revisions that were announced by the database of which this one is an older state.
INSERT INTO told_reports (level, code, month, revision) SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::integer[])
ON CONFLICT (level, code, month) DO UPDATE SET revision = greatest(told_reports.revision, excluded.revision);

-- name: take_back
-- What a restored database drew up before it was known to be one: its announcement waits, and nobody has heard of it.
WITH waiting AS (
    DELETE FROM outbox WHERE topic = $1 AND published_at IS NULL
        AND NOT decode(convert_from(value, 'UTF8')::jsonb ->> 'hash', 'hex') = ANY($2::bytea[])
    RETURNING decode(convert_from(value, 'UTF8')::jsonb ->> 'hash', 'hex') AS hash
), gone AS (
    DELETE FROM reports r USING waiting w WHERE r.hash = w.hash RETURNING r.code, r.month
), again AS (
    -- It is compared anew; the place of a plant may be anybody's.
    INSERT INTO restated_months (plant, month) SELECT DISTINCT code, month FROM gone
    ON CONFLICT (plant, month) DO UPDATE SET mark = DEFAULT
)
SELECT count(*) FROM gone;

-- name: reopen
-- Months of which no report is left are not closed.
DELETE FROM compared_months c WHERE NOT EXISTS (SELECT FROM reports r WHERE r.month = c.month);

-- name: put
-- A revision; never changed.
INSERT INTO reports (level, code, month, revision, judged_at, message, hash, document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: listed
-- Every revision, the newest month first.
SELECT level, code, month, revision, judged_at, hash, length(document) AS bytes, stored_at FROM reports
WHERE $1::text IS NULL OR level = $1 ORDER BY month DESC, level COLLATE "C", code COLLATE "C", revision DESC;

-- name: closed
-- The months that are closed, and as of when each was compared last.
SELECT c.month, c.compared_at FROM compared_months c ORDER BY c.month;

-- name: is_told
-- Whether anything was stated of a month, by plants that are registered; the month by its first day, and as keys name it.
SELECT EXISTS (SELECT FROM unnest($1::text[]) AS p (plant) JOIN flows f ON f.plant = p.plant AND f.month = $2 AND f.moves <> 0)
    OR EXISTS (SELECT FROM unnest($1::text[]) AS p (plant) JOIN stated s ON s.noun = 'month' AND s.key = p.plant || ' ' || $3);

-- name: first_told
-- The first month in which anything moved.
SELECT min(month) FROM flows WHERE moves <> 0;

-- name: restate
-- Plants' months that have been judged anew. Those of months that are not closed wait until they are.
INSERT INTO restated_months (plant, month) SELECT * FROM unnest($1::text[], $2::date[])
ON CONFLICT (plant, month) DO UPDATE SET mark = DEFAULT;

-- name: restated
-- Of what is reported, or what that rests on: the months that were restated, and the newest mark.
SELECT array_agg(DISTINCT month ORDER BY month) AS months, max(mark) AS mark FROM restated_months
WHERE month <= (SELECT max(month) FROM compared_months);

-- name: waiting
-- How many closed months are to be compared with what was reported of them.
SELECT count(*) FROM compared_months WHERE month >= (SELECT min(month) FROM restated_months);

-- name: settle
-- A month's restatements up to a mark are in its first report; those before it too, where nothing before it is reported.
DELETE FROM restated_months
WHERE mark <= $1 AND (month = $2 OR month < $2 AND NOT EXISTS (SELECT FROM reports r WHERE r.month < $2));

-- name: carry
-- Restatements up to a mark, of a month and of those since another, have been compared; the next closed month rests on them.
WITH compared AS (DELETE FROM restated_months WHERE mark <= $1 AND month <= $2 AND month > $3 RETURNING plant)
INSERT INTO restated_months (plant, month) SELECT DISTINCT plant, $4::date FROM compared WHERE $4 IS NOT NULL
ON CONFLICT (plant, month) DO NOTHING;

-- name: compared
-- A closed month was compared as of an instant.
INSERT INTO compared_months (month, compared_at) VALUES ($1, $2)
ON CONFLICT (month) DO UPDATE SET compared_at = greatest(compared_months.compared_at, excluded.compared_at);

-- name: mark
-- The newest mark.
SELECT coalesce(max(mark), 0) FROM restated_months;

-- name: awaiting
-- What may tell something of a month later: messages that await and whose bytes were kept, events that await, amendments without effect.
SELECT message, -1 AS index FROM envelopes WHERE outcome = 'awaiting' AND rule IS DISTINCT FROM 'awaiting-bound'
UNION ALL
SELECT message, index FROM events WHERE outcome = 'awaiting' AND NOT test
UNION
SELECT message, index FROM findings WHERE rule = ANY($1::text[])
ORDER BY message, index;

-- name: put_awaited
-- When a month was drawn up.
INSERT INTO awaited_by_reports (month, judged_at, message, index) SELECT $1, $2, * FROM unnest($3::bigint[], $4::smallint[])
ON CONFLICT DO NOTHING;

-- name: amended
-- What was amended or stated of plants' closed months after the first report on them; `first` and `until`: the span.
WITH RECURSIVE closed AS (
    SELECT k.plant, k.month, k.first, k.until, r.message,
           ARRAY(SELECT (a.message, a.index)::text FROM awaited_by_reports a
                 WHERE a.month = k.month AND a.judged_at = r.judged_at) AS awaited
    FROM unnest($1::text[], $2::date[], $3::timestamptz[], $4::timestamptz[]) AS k (plant, month, first, until)
    JOIN LATERAL (
        SELECT message, judged_at FROM reports
        WHERE level = 'nation' AND code = 'nation' AND month = k.month ORDER BY revision LIMIT 1
    ) AS r ON true
), told AS (
    SELECT e.plant, e.message, e.index, e.type, e.event_time, e.target_id, e.target_hash
    FROM (SELECT plant, min(message) AS message FROM closed GROUP BY plant) AS c
    JOIN events e ON e.plant = c.plant AND (
        e.message > c.message OR e.message = ANY(ARRAY(SELECT message FROM awaited_by_reports WHERE month = ANY($2::date[])))
    )
    WHERE e.target_id IS NOT NULL AND e.outcome = 'applied' AND NOT e.test AND NOT EXISTS (
        SELECT FROM findings f WHERE f.message = e.message AND f.index = e.index AND f.rule = ANY($5::text[])
    )
    UNION ALL
    SELECT t.plant, t.message, t.index, t.type, t.event_time, e.target_id, e.target_hash
    FROM told t JOIN events e ON e.event_id = t.target_id AND e.hash = t.target_hash AND e.plant = t.plant
    WHERE e.target_id IS NOT NULL AND e.outcome = 'applied' AND NOT e.test
), since AS (
    SELECT c.plant, c.month, t.message, t.index
    FROM told t JOIN events r ON r.event_id = t.target_id AND r.hash = t.target_hash AND r.plant = t.plant
    JOIN closed c ON c.plant = t.plant
        AND (t.message > c.message OR (t.message, -1)::text = ANY(c.awaited) OR (t.message, t.index)::text = ANY(c.awaited))
        AND (r.event_time >= c.first AND r.event_time < c.until
             OR t.type LIKE '%.correction.%' AND t.event_time >= c.first AND t.event_time < c.until)
    -- A flow record that came after the report is late, however often it is amended.
    WHERE r.target_id IS NULL AND r.outcome = 'applied' AND NOT r.test AND (r.type <> $6 OR r.message <= c.message)
    UNION
    SELECT c.plant, c.month, m.message, m.index
    FROM closed c JOIN moves m ON m.plant = c.plant AND m.at >= c.first AND m.at < c.until
        AND (m.message > c.message OR (m.message, -1)::text = ANY(c.awaited) OR (m.message, m.index)::text = ANY(c.awaited))
    WHERE m.kind <> 'returned'
    UNION
    SELECT c.plant, c.month, s.message, s.index
    FROM closed c JOIN stated s ON s.noun = 'month' AND s.key = c.plant || ' ' || to_char(c.month, 'YYYY-MM')
        AND (s.message > c.message OR (s.message, -1)::text = ANY(c.awaited) OR (s.message, s.index)::text = ANY(c.awaited))
    WHERE s.type <> $7 OR EXISTS (
        SELECT FROM stated b WHERE b.noun = s.noun AND b.key = s.key AND b.type = s.type AND b.message <= c.message
    )
)
SELECT s.plant, s.month, count(*) FILTER (WHERE e.target_id IS NOT NULL) AS amendments,
       count(*) FILTER (WHERE e.target_id IS NULL) AS late_statements, max(l.arrived_at) AS arrived_at,
       (array_agg(e.event_id::text ORDER BY l.arrived_at DESC, e.event_id))[:$8] AS newest
FROM since s JOIN events e USING (message, index) JOIN ledger l USING (message)
GROUP BY s.plant, s.month;

-- name: late
-- Plants that stated something of a month after a message; `first` and `until`: the span.
SELECT DISTINCT plant FROM events
WHERE message > $1 AND event_time >= $2 AND event_time < $3 AND target_id IS NULL AND outcome = 'applied' AND NOT test;

-- name: perhaps_amended
-- Plants that amended something between two messages, in all months that had been closed by then: what is voided moves nothing.
SELECT DISTINCT e.plant || ' ' || to_char(r.month, 'YYYY-MM') AS key
FROM (SELECT DISTINCT ON (month) month, message FROM reports WHERE level = 'nation' ORDER BY month, revision) AS r
JOIN events e ON e.message > r.message OR (r.month, e.message) IN (SELECT month, message FROM awaited_by_reports)
WHERE e.message > $1 AND e.message <= $2 AND e.target_id IS NOT NULL AND e.outcome = 'applied' AND NOT e.test;

-- name: forget_outages
-- In a transaction that is rolled back: those that were recorded after a report play no part in it.
DELETE FROM outages WHERE number > $1;

-- name: stand_at
-- In a transaction that is rolled back: the instants as of which a report was judged.
UPDATE platform SET judged_at = $1, known_until = $2;
