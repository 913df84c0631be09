-- Verifying: reads everything that is stored once more, to hold it against the bytes. Nothing here writes.

-- name: total
-- How many messages there are to walk, of one source or of all.
SELECT count(*) FROM envelopes e LEFT JOIN sources s USING (source)
WHERE $1::text IS NULL
   OR starts_with(concat_ws('/', s.plant, s.gateway, s.stream, s.incarnation) || '/', rtrim($1, '/') || '/');

-- name: walk
-- Every message in the order of its chain: by source and sequence, rivals by coordinate; at last what has no source.
SELECT e.message FROM envelopes e JOIN ledger l USING (message) LEFT JOIN sources s USING (source)
WHERE $1::text IS NULL
   OR starts_with(concat_ws('/', s.plant, s.gateway, s.stream, s.incarnation) || '/', rtrim($1, '/') || '/')
ORDER BY e.source NULLS LAST, e.sequence, l.arrived_at, l.topic, l.partition, l.log_generation, l.log_offset;

-- name: messages
-- Messages with all that was decided about each.
SELECT l.message, l.topic, l.partition, l.log_generation, l.log_offset, l.arrived_at, l.record_key, l.key_id, l.seal,
       l.value, l.size, l.hash, e.source, e.sequence, e.hash AS decided_hash, e.previous, e.arrived_at AS decided_at,
       e.key_id AS decided_key_id, e.events, e.outcome, e.occupies, e.vouched, e.rule, e.field, e.remedy,
       concat_ws('/', s.plant, s.gateway, s.stream, s.incarnation) AS source_name
FROM ledger l JOIN envelopes e USING (message) LEFT JOIN sources s USING (source)
WHERE l.message = ANY($1::bigint[]);

-- name: events
-- The events of messages; amended: another event of the same plant amends it.
SELECT v.*, EXISTS (SELECT FROM events a WHERE a.target_id = v.event_id AND a.plant = v.plant AND NOT a.test) AS amended
FROM events v WHERE v.message = ANY($1::bigint[]);

-- name: findings
-- The findings about messages and their events.
SELECT message, index, rule, subject, period, at, measure FROM findings WHERE message = ANY($1::bigint[]) AND rule <> 'lot-reused';

-- name: shared_lots
-- Statements that share lot numbers, as the lots say it and as it was found, where that differs.
SELECT message, index, s.lots AS due, f.measure AS found, s.place AS due_place, f.place AS found_place
FROM (
    SELECT l.message, l.index, count(*) AS lots,
           (l.plant, to_char(e.arrived_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM'), e.arrived_at)::text AS place
    FROM lots l JOIN envelopes e USING (message)
    WHERE EXISTS (SELECT FROM lots o WHERE o.lot = l.lot AND (o.message, o.index) <> (l.message, l.index))
    GROUP BY l.message, l.index, l.plant, e.arrived_at
) AS s
FULL JOIN (
    SELECT message, index, measure, (subject, period, at)::text AS place FROM findings WHERE rule = 'lot-reused'
) AS f USING (message, index)
WHERE (s.lots, s.place) IS DISTINCT FROM (f.measure, f.place) ORDER BY message, index LIMIT $1;

-- name: lots
-- The lots that statements in messages brought into being.
SELECT message, index, lot, plant, product, origin, net_g, reo_g, made_at FROM lots WHERE message = ANY($1::bigint[]);

-- name: whole_values
-- Another message that holds the bytes of a hash unchanged: a repeat, which tells what the changed ones were.
SELECT message, value FROM ledger WHERE hash = $1 AND message <> $2 AND sha256(value) = hash LIMIT 1;

-- name: plants_with_amendments
-- Plants that have amended something.
SELECT DISTINCT plant FROM events WHERE target_id IS NOT NULL AND NOT test ORDER BY plant;

-- name: amendments
-- What a plant's amendments are and what they amend, as far as it is applied.
SELECT v.message, v.index, v.plant, v.event_id, v.hash, v.target_id, v.target_hash, v.outcome, v.effective, v.amended_at,
       l.topic, l.partition, l.log_generation, l.log_offset, l.arrived_at
FROM events v JOIN ledger l USING (message)
WHERE v.plant = $1 AND v.outcome = 'applied' AND NOT v.test
  AND (v.target_id IS NOT NULL
       OR EXISTS (SELECT FROM events a WHERE a.target_id = v.event_id AND a.plant = v.plant AND NOT a.test))
ORDER BY v.message, v.index;

-- name: unpaired
-- Rows that are about a message, or an event, that is not there.
SELECT 'ledger' AS relation, l.message, NULL::smallint AS index, 'nothing was decided about it' AS why
FROM ledger l WHERE NOT EXISTS (SELECT FROM envelopes e WHERE e.message = l.message)
UNION ALL
SELECT 'envelopes', e.message, NULL, 'the ledger has no such message'
FROM envelopes e WHERE NOT EXISTS (SELECT FROM ledger l WHERE l.message = e.message)
UNION ALL
SELECT 'events', v.message, v.index, 'no standing envelope holds it'
FROM events v WHERE NOT EXISTS (SELECT FROM envelopes e WHERE e.message = v.message AND e.outcome = 'applied')
UNION ALL
SELECT 'lots', t.message, t.index, 'no event that says what is so made it'
FROM lots t WHERE NOT EXISTS (SELECT FROM events v WHERE v.message = t.message AND v.index = t.index AND v.effective)
UNION ALL
SELECT 'findings', f.message, f.index, 'there is no such message or event'
FROM findings f WHERE CASE WHEN f.index = -1
    THEN NOT EXISTS (SELECT FROM envelopes e WHERE e.message = f.message)
    ELSE NOT EXISTS (SELECT FROM events v WHERE v.message = f.message AND v.index = f.index) END
ORDER BY message, relation LIMIT $1;

-- name: out_of_order
-- Messages of one partition are numbered in the order of their offsets, whoever decided them.
SELECT message, topic, partition, log_generation, log_offset, before FROM (
    SELECT message, topic, partition, log_generation, log_offset,
           lag(log_offset) OVER (PARTITION BY topic, partition, log_generation ORDER BY message) AS before
    FROM ledger) AS numbered
WHERE before >= log_offset ORDER BY message LIMIT $1;

-- name: positions
-- What each position accounts for beside what the ledger holds, and what was said of the offsets that it passed over.
SELECT topic, partition, log_generation, p.received, p.start_offset, p.next_offset, p.holes, p.lost,
       l.messages, l.first, l.last, s.holes AS said_holes, s.lost AS said_lost
FROM (SELECT topic, partition, log_generation, count(*) AS messages, min(log_offset) AS first, max(log_offset) AS last
      FROM ledger GROUP BY topic, partition, log_generation) AS l
FULL JOIN intake_positions p USING (topic, partition, log_generation)
LEFT JOIN (SELECT topic, partition, log_generation, sum(holes)::bigint AS holes, sum(lost)::bigint AS lost
           FROM skipped_days GROUP BY topic, partition, log_generation) AS s USING (topic, partition, log_generation)
WHERE p.received IS DISTINCT FROM coalesce(l.messages, 0) OR l.first < p.start_offset OR l.last >= p.next_offset
   OR (p.holes, p.lost) IS DISTINCT FROM (coalesce(s.holes, 0), coalesce(s.lost, 0));

-- name: miscounted
-- Tallies that are not what the rows add up to.
SELECT topic, partition, log_generation, outcome, t.messages AS kept, coalesce(r.messages, 0) AS counted
FROM (SELECT * FROM tallies WHERE messages <> 0) AS t
FULL JOIN (SELECT l.topic, l.partition, l.log_generation, e.outcome, count(*) AS messages
           FROM envelopes e JOIN ledger l USING (message) GROUP BY 1, 2, 3, 4) AS r
USING (topic, partition, log_generation, outcome)
WHERE t.messages IS DISTINCT FROM r.messages;

-- name: missummed
-- Sums of findings that are not what the findings add up to.
SELECT rule, subject, period, s.findings AS kept, s.measure AS kept_measure, coalesce(f.findings, 0) AS counted,
       coalesce(f.measure, 0) AS counted_measure
FROM (SELECT * FROM finding_sums WHERE (findings, measure) <> (0, 0)) AS s
FULL JOIN (SELECT rule, subject, period, count(*) AS findings, sum(measure)::bigint AS measure
           FROM findings GROUP BY rule, subject, period) AS f USING (rule, subject, period)
WHERE (s.findings, s.measure) IS DISTINCT FROM (f.findings, f.measure);

-- name: undecided
-- Sources whose decided sequences are not those that are occupied.
SELECT concat_ws('/', s.plant, s.gateway, s.stream, s.incarnation) AS source_name, d.decided::text AS kept,
       o.decided::text AS occupied
FROM (SELECT * FROM source_states WHERE decided <> '{}') AS d
FULL JOIN (SELECT source, range_agg(int8range(sequence, sequence, '[]')) AS decided
           FROM envelopes WHERE occupies GROUP BY source) AS o USING (source)
LEFT JOIN sources s USING (source)
WHERE d.decided IS DISTINCT FROM o.decided;

-- name: misplaced_claims
-- Of all that claim one event id the earliest is applied, equal ones repeat it, others await.
SELECT message, index, outcome, due FROM (
    SELECT v.message, v.index, v.outcome,
           CASE WHEN row_number() OVER w = 1 THEN 'applied' WHEN v.hash = first_value(v.hash) OVER w THEN 'duplicate'
                ELSE 'awaiting' END AS due
    FROM events v JOIN ledger l USING (message)
    WHERE v.event_id IS NOT NULL AND NOT v.test AND v.rule IS DISTINCT FROM 'platform-fault'
    WINDOW w AS (PARTITION BY v.event_id, v.plant
                 ORDER BY l.arrived_at, l.topic, l.partition, l.log_generation, l.log_offset, v.index)) AS claims
WHERE outcome <> due ORDER BY message, index LIMIT $1;

-- name: draw_days
-- The sums of draws.
SELECT plant, day, kind, basis, drawn_g, original_g, events FROM draw_days;

-- name: cap_days
-- The days of caps.
SELECT holder, year, kind, day, drawn_g, original_g FROM cap_days;

-- name: alerts
-- Alerts as they stand.
SELECT alert, rule, subject, period, province, condition, severity, percent, evidence, raised_at, changed_at FROM alerts;

-- name: alert_keys
-- What findings there are about.
SELECT DISTINCT rule, subject, period FROM findings;

-- name: misrepeated
-- Of equal messages that nobody vouches for one is kept and the others repeat it; of what was not kept whole, those do whose value is.
SELECT message, outcome FROM (
    SELECT e.message, e.outcome, e.rule, count(*) FILTER (WHERE e.outcome <> 'duplicate') OVER equals AS kept,
           count(*) FILTER (WHERE e.outcome <> 'duplicate') OVER (equals ORDER BY e.rule RANGE CURRENT ROW) AS alike
    FROM ledger l JOIN envelopes e USING (message) WHERE NOT e.vouched AND (l.value IS NOT NULL OR l.size = 0)
    WINDOW equals AS (PARTITION BY l.hash, l.key_id, l.seal, l.topic, l.partition, l.record_key)) AS whole
WHERE CASE WHEN outcome = 'duplicate' THEN kept = 0 ELSE alike > 1 AND rule <> 'platform-fault' END
UNION ALL
SELECT l.message, e.outcome FROM ledger l JOIN envelopes e USING (message)
LEFT JOIN (SELECT DISTINCT hash FROM ledger WHERE value IS NOT NULL) AS kept ON kept.hash = l.hash
WHERE l.value IS NULL AND l.size > 0 AND (e.outcome = 'duplicate') <> (kept.hash IS NOT NULL)
ORDER BY message LIMIT $1;

-- name: in_partition
-- Messages of a partition between two offsets, to be held against Kafka's.
SELECT message, topic, partition, log_offset, arrived_at, record_key, key_id, seal, odd_headers, value, size, hash FROM ledger
WHERE topic = $1 AND partition = $2 AND log_generation = $3 AND log_offset BETWEEN $4 AND $5;

-- name: platform
-- Where watch last judged, the driven instant if there is one, the epoch, and whether a restored database waits.
SELECT judged_at, instant, epoch, awaited_digest FROM platform;

-- name: kept_receipts
-- Receipts that the outbox still has, source by source in their order, with what is so of the source now.
SELECT o.publication, o.topic, o.key, o.value, o.written_at, s.source, n.number, coalesce(d.decided, '{}')::text AS decided
FROM outbox o
LEFT JOIN sources s ON convert_to(concat_ws('/', s.plant, s.gateway, s.stream, s.incarnation), 'UTF8') = o.key
LEFT JOIN receipt_numbers n USING (source)
LEFT JOIN source_states d USING (source)
WHERE o.topic LIKE 'receipts-%' ORDER BY o.key, o.publication;

-- name: occupant
-- The hash of what holds a sequence.
SELECT hash FROM envelopes WHERE source = $1 AND sequence = $2 AND occupies;

-- name: kept_alerts
-- The newest publication about each alert that the outbox still has, to the nation and to its province, with what is so of it now.
SELECT DISTINCT ON (o.topic, o.key) o.publication, o.topic, o.value, o.written_at, a.rule, a.subject, a.period, a.province,
       a.condition, a.severity, a.percent, a.raised_at, a.changed_at, a.revision
FROM outbox o LEFT JOIN alerts a ON convert_to(a.alert, 'UTF8') = o.key
WHERE o.topic = $1 OR o.topic = $1 || '-' || a.province ORDER BY o.topic, o.key, o.publication DESC;

-- name: is_untold
-- Whether something was ever told and the outbox has nothing: what was published last is never forgotten from it.
SELECT NOT EXISTS (SELECT FROM outbox) AND (EXISTS (SELECT FROM alerts) OR EXISTS (SELECT FROM receipt_numbers));

-- name: unnumbered
-- Sources of given plants of which something is decided and that were never sent a receipt.
SELECT concat_ws('/', s.plant, s.gateway, s.stream, s.incarnation) AS source_name
FROM sources s JOIN source_states d USING (source) LEFT JOIN receipt_numbers n USING (source)
WHERE s.plant = ANY($1::text[]) AND NOT isempty(d.decided) AND coalesce(n.number, 0) < 1 ORDER BY 1 LIMIT $2;

-- name: unanswered
-- Sources of given plants of which something was decided since an instant, and of which the outbox has no receipt.
SELECT concat_ws('/', s.plant, s.gateway, s.stream, s.incarnation) AS source_name
FROM sources s JOIN (SELECT DISTINCT source FROM envelopes WHERE occupies AND arrived_at > $2) AS lately USING (source)
LEFT JOIN (SELECT DISTINCT key FROM outbox WHERE topic LIKE 'receipts-%') AS told
  ON told.key = convert_to(concat_ws('/', s.plant, s.gateway, s.stream, s.incarnation), 'UTF8')
WHERE s.plant = ANY($1::text[]) AND told.key IS NULL ORDER BY 1 LIMIT $3;

-- name: untold_alerts
-- Alerts that changed since an instant, and of which the outbox has nothing.
SELECT a.rule, a.subject, a.period, a.revision FROM alerts a
LEFT JOIN (SELECT DISTINCT key FROM outbox WHERE topic = $1) AS told ON told.key = convert_to(a.alert, 'UTF8')
WHERE a.changed_at > $2 AND told.key IS NULL ORDER BY 1, 2, 3 LIMIT $3;

-- name: set_aside
-- What nobody was told, because the broker would not take it.
SELECT publication, topic, length(value) AS size FROM outbox WHERE parked_at IS NOT NULL ORDER BY publication LIMIT $1;

-- name: told_alerts
-- Alerts as subscribers should know them. waits: the newest publication about it is still to come.
SELECT a.alert, a.rule, a.subject, a.period, a.province, a.condition, a.severity, a.percent, a.raised_at, a.changed_at,
       a.revision, coalesce(o.waits, false) AS waits
FROM alerts a
LEFT JOIN (SELECT key, bool_or(published_at IS NULL) AS waits FROM outbox WHERE topic = $1 GROUP BY key) AS o
  ON o.key = convert_to(a.alert, 'UTF8');

-- name: told_receipts
-- How far each source was told, with the newest receipt that the outbox still has.
SELECT convert_to(concat_ws('/', s.plant, s.gateway, s.stream, s.incarnation), 'UTF8') AS key, n.number, o.hash,
       coalesce(o.waits, false) AS waits
FROM receipt_numbers n JOIN sources s USING (source)
LEFT JOIN (SELECT DISTINCT ON (key) key, sha256(value) AS hash, published_at IS NULL AS waits FROM outbox
           WHERE topic LIKE 'receipts-%' ORDER BY key, publication DESC) AS o
  ON o.key = convert_to(concat_ws('/', s.plant, s.gateway, s.stream, s.incarnation), 'UTF8');

-- name: handlings
-- What people did about alerts.
SELECT alert, handling, handled_by, note, handled_at FROM handlings ORDER BY alert;

-- name: registry_revisions
-- Every revision of the registry, in order.
SELECT revision, digest FROM registry_revisions ORDER BY revision;

-- name: registry_changes
-- What each revision changed.
SELECT revision, noun, key, before, after FROM registry_changes ORDER BY revision, noun, key;

-- name: declared
-- What is declared now.
SELECT noun, key, document FROM registry_entries;

-- name: reports
-- Every stored report, revision by revision.
SELECT level, code, month, r.revision, hash, document, coalesce(t.revision, 0) AS told
FROM reports r LEFT JOIN told_reports t USING (level, code, month) ORDER BY level, code, month, r.revision;
