-- Rebuilding: the same decisions over the whole ledger, in shadow tables; and what differs from the ones in use.

-- name: open
-- Makes empty shadows and looks at them first, for this transaction.
SELECT shadow_open();

-- name: close
-- Drops the shadows.
SELECT shadow_close();

-- name: keep
-- Puts the shadows' contents in use.
SELECT shadow_keep();

-- name: differences
-- What differs, a row each: which projection, which side has it, and what.
WITH sides AS (
    SELECT 'envelopes' AS projection, 'live' AS side, to_jsonb(e) - 'previous' AS row FROM public.envelopes e WHERE vouched
    UNION ALL SELECT 'envelopes', 'rebuilt', to_jsonb(e) - 'previous' FROM shadow.envelopes e WHERE vouched
    UNION ALL SELECT 'source_states', 'live', to_jsonb(s) FROM public.source_states s WHERE decided <> '{}'
    UNION ALL SELECT 'source_states', 'rebuilt', to_jsonb(s) FROM shadow.source_states s WHERE decided <> '{}'
    UNION ALL SELECT 'events', 'live', to_jsonb(e) FROM public.events e
    UNION ALL SELECT 'events', 'rebuilt', to_jsonb(e) FROM shadow.events e
    UNION ALL SELECT 'draw_days', 'live', to_jsonb(d) FROM public.draw_days d WHERE (drawn_g, original_g, events) <> (0, 0, 0)
    UNION ALL SELECT 'draw_days', 'rebuilt', to_jsonb(d) FROM shadow.draw_days d WHERE (drawn_g, original_g, events) <> (0, 0, 0)
    UNION ALL SELECT 'cap_days', 'live', to_jsonb(c) FROM public.cap_days c WHERE (drawn_g, original_g) <> (0, 0)
    UNION ALL SELECT 'cap_days', 'rebuilt', to_jsonb(c) FROM shadow.cap_days c WHERE (drawn_g, original_g) <> (0, 0)
    UNION ALL SELECT 'caps', 'live', to_jsonb(c) FROM public.caps c WHERE (drawn_g, original_g) <> (0, 0)
    UNION ALL SELECT 'caps', 'rebuilt', to_jsonb(c) FROM shadow.caps c WHERE (drawn_g, original_g) <> (0, 0)
    UNION ALL SELECT 'lots', 'live', to_jsonb(l) FROM public.lots l
    UNION ALL SELECT 'lots', 'rebuilt', to_jsonb(l) FROM shadow.lots l
    UNION ALL SELECT 'findings', 'live', to_jsonb(f) FROM public.findings f
    UNION ALL SELECT 'findings', 'rebuilt', to_jsonb(f) FROM shadow.findings f
    UNION ALL SELECT 'finding_sums', 'live', to_jsonb(s) FROM public.finding_sums s WHERE (findings, measure) <> (0, 0)
    UNION ALL SELECT 'finding_sums', 'rebuilt', to_jsonb(s) FROM shadow.finding_sums s WHERE (findings, measure) <> (0, 0)
    UNION ALL SELECT 'alerts', 'live', to_jsonb(a) - ARRAY['raised_at', 'changed_at', 'revision'] FROM public.alerts a
        WHERE condition = 'raised'
    UNION ALL SELECT 'alerts', 'rebuilt', to_jsonb(a) - ARRAY['raised_at', 'changed_at', 'revision'] FROM shadow.alerts a
        WHERE condition = 'raised'
    UNION ALL SELECT 'moves', 'live', to_jsonb(x) FROM public.moves x
    UNION ALL SELECT 'moves', 'rebuilt', to_jsonb(x) FROM shadow.moves x
    UNION ALL SELECT 'past_moves', 'live', to_jsonb(x) FROM public.past_moves x
    UNION ALL SELECT 'past_moves', 'rebuilt', to_jsonb(x) FROM shadow.past_moves x
    UNION ALL SELECT 'holdings', 'live', to_jsonb(x) FROM public.holdings x WHERE moves <> 0
    UNION ALL SELECT 'holdings', 'rebuilt', to_jsonb(x) FROM shadow.holdings x WHERE moves <> 0
    UNION ALL SELECT 'lot_states', 'live', to_jsonb(x) FROM public.lot_states x
    UNION ALL SELECT 'lot_states', 'rebuilt', to_jsonb(x) FROM shadow.lot_states x
    UNION ALL SELECT 'custody_findings', 'live', to_jsonb(x) FROM public.custody_findings x
    UNION ALL SELECT 'custody_findings', 'rebuilt', to_jsonb(x) FROM shadow.custody_findings x
    UNION ALL SELECT 'stated', 'live', to_jsonb(x) FROM public.stated x
    UNION ALL SELECT 'stated', 'rebuilt', to_jsonb(x) FROM shadow.stated x
    UNION ALL SELECT 'shipments', 'live', to_jsonb(x) FROM public.shipments x
    UNION ALL SELECT 'shipments', 'rebuilt', to_jsonb(x) FROM shadow.shipments x
    UNION ALL SELECT 'flows', 'live', to_jsonb(x) FROM public.flows x WHERE moves <> 0
    UNION ALL SELECT 'flows', 'rebuilt', to_jsonb(x) FROM shadow.flows x WHERE moves <> 0
    UNION ALL SELECT 'outputs', 'live', to_jsonb(x) FROM public.outputs x WHERE lines <> 0
    UNION ALL SELECT 'outputs', 'rebuilt', to_jsonb(x) FROM shadow.outputs x WHERE lines <> 0
    UNION ALL SELECT 'stocks', 'live', to_jsonb(x) FROM public.stocks x WHERE moves <> 0
    UNION ALL SELECT 'stocks', 'rebuilt', to_jsonb(x) FROM shadow.stocks x WHERE moves <> 0
    UNION ALL SELECT 'element_flows', 'live', to_jsonb(x) FROM public.element_flows x WHERE moves <> 0
    UNION ALL SELECT 'element_flows', 'rebuilt', to_jsonb(x) FROM shadow.element_flows x WHERE moves <> 0
    UNION ALL SELECT 'unfiled', 'live', to_jsonb(x) FROM public.unfiled x
    UNION ALL SELECT 'unfiled', 'rebuilt', to_jsonb(x) FROM shadow.unfiled x
    UNION ALL SELECT 'tallies', 'live', to_jsonb(t) FROM public.tallies t WHERE messages <> 0
    UNION ALL SELECT 'tallies', 'rebuilt', to_jsonb(t) FROM shadow.tallies t WHERE messages <> 0
)
SELECT projection, min(side) AS side, row FROM sides GROUP BY projection, row HAVING count(*) = 1
ORDER BY projection, row::text
LIMIT $1;

-- name: alert_keys
-- Every alert of either side.
SELECT rule, subject, period FROM public.alerts UNION SELECT rule, subject, period FROM shadow.alerts;

-- name: unparked
-- What was parked and is decided now: messages, with null for an index, and their events; $1: rules that flag nothing.
SELECT s.message, NULL::smallint AS index, NULL::uuid AS event_id, s.source, s.sequence, s.hash, s.outcome, s.rule, s.field,
       s.remedy, NULL::text AS flag
FROM public.envelopes p JOIN shadow.envelopes s USING (message)
WHERE p.rule = 'platform-fault' AND s.rule IS DISTINCT FROM p.rule AND s.source IS NOT NULL AND s.sequence IS NOT NULL
UNION ALL
SELECT * FROM (
    SELECT v.message, v.index, v.event_id, s.source, s.sequence, s.hash, v.outcome, v.rule, v.field, v.remedy,
           (SELECT min(f.rule) FROM shadow.findings f
            WHERE f.message = v.message AND f.index = v.index AND f.rule <> ALL ($1::text[])) AS flag
    FROM shadow.events v JOIN shadow.envelopes s USING (message)
    JOIN public.envelopes p USING (message) LEFT JOIN public.events e USING (message, index)
    WHERE p.rule = 'platform-fault' OR e.rule = 'platform-fault' AND v.rule IS DISTINCT FROM e.rule
) AS events
ORDER BY message, index NULLS FIRST;
