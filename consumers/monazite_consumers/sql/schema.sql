-- The whole schema: what the migrations add up to, for reading. Generated from a migrated database's catalog; change it
-- by a new migration, then write it again: python -m monazite_consumers.sql.schema URL

CREATE SEQUENCE message_numbers AS bigint START 1 INCREMENT 1 MINVALUE 1 MAXVALUE 9223372036854775807 CACHE 1;

CREATE TABLE adoptions (
    topic text NOT NULL,
    partition integer NOT NULL,
    log_generation integer NOT NULL,
    adopted_at timestamp with time zone NOT NULL,
    adopted_by text NOT NULL,
    reason text NOT NULL,
    read_to bigint NOT NULL,
    log_start bigint NOT NULL,
    log_end bigint NOT NULL,
    CONSTRAINT adoptions_pkey PRIMARY KEY (topic, partition, log_generation),
    CONSTRAINT adoption_reason CHECK (reason = ANY (ARRAY['position-above-end'::text, 'other-record'::text]))
);

CREATE TABLE alerts (
    alert text NOT NULL,
    rule text NOT NULL,
    subject text NOT NULL,
    period text NOT NULL,
    province text,
    condition text NOT NULL,
    severity text NOT NULL,
    percent integer,
    evidence jsonb NOT NULL,
    raised_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    revision integer NOT NULL,
    CONSTRAINT alerts_pkey PRIMARY KEY (alert),
    CONSTRAINT alert_identity UNIQUE (rule, subject, period),
    CONSTRAINT alert_condition CHECK (condition = ANY (ARRAY['raised'::text, 'recovered'::text, 'retracted'::text]))
);

CREATE TABLE awaited_by_reports (
    month date NOT NULL,
    message bigint NOT NULL,
    judged_at timestamp with time zone NOT NULL,
    index smallint NOT NULL,
    CONSTRAINT awaited_by_reports_pkey PRIMARY KEY (month, judged_at, message, index)
);

CREATE TABLE cap_days (
    holder text NOT NULL,
    year smallint NOT NULL,
    kind text NOT NULL,
    day date NOT NULL,
    drawn_g bigint NOT NULL,
    original_g bigint NOT NULL,
    CONSTRAINT cap_days_pkey PRIMARY KEY (holder, year, kind, day)
);

CREATE TABLE caps (
    holder text NOT NULL,
    year smallint NOT NULL,
    kind text NOT NULL,
    drawn_g bigint DEFAULT 0 NOT NULL,
    original_g bigint DEFAULT 0 NOT NULL,
    granted_g bigint,
    overrun_first_day date,
    overrun_last_day date,
    overrun_peak_g bigint,
    CONSTRAINT caps_pkey PRIMARY KEY (holder, year, kind)
);

CREATE TABLE compared_months (
    month date NOT NULL,
    compared_at timestamp with time zone NOT NULL,
    CONSTRAINT compared_months_pkey PRIMARY KEY (month),
    CONSTRAINT compared_month CHECK (EXTRACT(day FROM month) = 1::numeric)
);

CREATE TABLE custody_findings (
    noun text NOT NULL,
    key text NOT NULL,
    rule text NOT NULL,
    subject text NOT NULL,
    period text NOT NULL,
    at timestamp with time zone NOT NULL,
    measure bigint NOT NULL,
    detail jsonb NOT NULL,
    CONSTRAINT custody_findings_pkey PRIMARY KEY (noun, key, rule, subject)
);

CREATE TABLE doubts (
    noun text NOT NULL,
    key text NOT NULL,
    CONSTRAINT doubts_pkey PRIMARY KEY (noun, key),
    CONSTRAINT doubt_noun CHECK (noun = ANY (ARRAY['lot'::text, 'shipment'::text, 'licence'::text, 'month'::text]))
);

CREATE TABLE draw_days (
    plant text NOT NULL,
    day date NOT NULL,
    kind text NOT NULL,
    basis text NOT NULL,
    drawn_g bigint NOT NULL,
    original_g bigint NOT NULL,
    events integer NOT NULL,
    CONSTRAINT draw_days_pkey PRIMARY KEY (plant, day, kind, basis),
    CONSTRAINT draw_basis CHECK (basis = ANY (ARRAY['output'::text, 'feed'::text, 'recycled'::text, 'separated_again'::text])),
    CONSTRAINT draw_kind CHECK (kind = ANY (ARRAY['mining_rock'::text, 'mining_ionic'::text, 'separation'::text]))
);

CREATE TABLE element_flows (
    plant text NOT NULL,
    month date NOT NULL,
    kind text NOT NULL,
    step text NOT NULL,
    element text NOT NULL,
    moves bigint NOT NULL,
    oxide_g bigint NOT NULL,
    squares numeric NOT NULL,
    CONSTRAINT element_flows_pkey PRIMARY KEY (plant, month, kind, step, element),
    CONSTRAINT element_flow_month CHECK (EXTRACT(day FROM month) = 1::numeric)
);

CREATE TABLE envelopes (
    message bigint NOT NULL,
    source integer,
    sequence bigint,
    hash bytea NOT NULL,
    previous bytea,
    arrived_at timestamp with time zone NOT NULL,
    key_id text,
    events smallint DEFAULT 0 NOT NULL,
    outcome text NOT NULL,
    occupies boolean NOT NULL,
    vouched boolean NOT NULL,
    rule text,
    field text,
    remedy text,
    CONSTRAINT envelopes_pkey PRIMARY KEY (message),
    CONSTRAINT envelope_occupant_is_vouched CHECK (NOT occupies OR vouched),
    CONSTRAINT envelope_outcome CHECK (outcome = ANY (ARRAY['applied'::text, 'awaiting'::text, 'duplicate'::text, 'refused'::text])),
    CONSTRAINT envelope_reason CHECK ((outcome = ANY (ARRAY['applied'::text, 'duplicate'::text])) = (rule IS NULL)),
    CONSTRAINT envelope_standing_occupies CHECK (outcome <> 'applied'::text OR occupies)
);

CREATE TABLE events (
    message bigint NOT NULL,
    index smallint NOT NULL,
    plant text NOT NULL,
    event_id uuid,
    hash bytea NOT NULL,
    type text NOT NULL,
    event_time timestamp with time zone,
    outcome text NOT NULL,
    effective boolean NOT NULL,
    test boolean NOT NULL,
    target_id uuid,
    target_hash bytea,
    rule text,
    field text,
    remedy text,
    amended_at timestamp with time zone,
    CONSTRAINT events_pkey PRIMARY KEY (message, index),
    CONSTRAINT event_amended_said_so CHECK (amended_at IS NULL OR outcome = 'applied'::text AND NOT effective),
    CONSTRAINT event_effective_is_applied CHECK (NOT effective OR outcome = 'applied'::text),
    CONSTRAINT event_identified CHECK (event_id IS NOT NULL OR (outcome = ANY (ARRAY['refused'::text, 'awaiting'::text]))),
    CONSTRAINT event_outcome CHECK (outcome = ANY (ARRAY['applied'::text, 'awaiting'::text, 'duplicate'::text, 'refused'::text]))
);

CREATE TABLE finding_sums (
    rule text NOT NULL,
    subject text NOT NULL,
    period text NOT NULL,
    findings bigint NOT NULL,
    measure bigint NOT NULL,
    CONSTRAINT finding_sums_pkey PRIMARY KEY (rule, subject, period)
);

CREATE TABLE findings (
    message bigint NOT NULL,
    index smallint NOT NULL,
    rule text NOT NULL,
    subject text NOT NULL,
    period text NOT NULL,
    at timestamp with time zone NOT NULL,
    measure bigint DEFAULT 0 NOT NULL,
    CONSTRAINT findings_pkey PRIMARY KEY (message, index, rule)
);

CREATE TABLE flagged (
    message bigint NOT NULL,
    index smallint NOT NULL,
    key text NOT NULL,
    rule text,
    field text,
    remedy text,
    told boolean DEFAULT false NOT NULL,
    CONSTRAINT flagged_pkey PRIMARY KEY (message, index)
);

CREATE TABLE flows (
    plant text NOT NULL,
    month date NOT NULL,
    product text NOT NULL,
    kind text NOT NULL,
    step text NOT NULL,
    origin text NOT NULL,
    moves bigint NOT NULL,
    net_g bigint NOT NULL,
    reo_g bigint NOT NULL,
    claimed_g bigint NOT NULL,
    reo_squares numeric NOT NULL,
    CONSTRAINT flows_pkey PRIMARY KEY (plant, month, product, kind, step, origin),
    CONSTRAINT flow_month CHECK (EXTRACT(day FROM month) = 1::numeric)
);

CREATE TABLE following (
    only_row boolean DEFAULT true NOT NULL,
    message bigint DEFAULT 0 NOT NULL,
    CONSTRAINT following_pkey PRIMARY KEY (only_row),
    CONSTRAINT following_only_row CHECK (only_row)
);

CREATE TABLE handlings (
    alert text NOT NULL,
    handling text NOT NULL,
    handled_by text NOT NULL,
    note text,
    handled_at timestamp with time zone NOT NULL,
    CONSTRAINT handlings_pkey PRIMARY KEY (alert),
    CONSTRAINT handling_is_a_persons CHECK (handling = ANY (ARRAY['acknowledged'::text, 'resolved'::text]))
);

CREATE TABLE holdings (
    lot text NOT NULL,
    plant text NOT NULL,
    kind text NOT NULL,
    net_g bigint NOT NULL,
    moves bigint NOT NULL,
    CONSTRAINT holdings_pkey PRIMARY KEY (lot, plant, kind),
    CONSTRAINT holding_kind CHECK (kind = ANY (ARRAY['opening'::text, 'imported'::text, 'taken_in'::text, 'made'::text, 'used'::text, 'left_over'::text, 'dispatched'::text, 'received'::text, 'refused'::text, 'returned'::text, 'lost'::text, 'lost_in_process'::text]))
);

CREATE TABLE intake_positions (
    topic text NOT NULL,
    partition integer NOT NULL,
    log_generation integer DEFAULT 1 NOT NULL,
    start_offset bigint NOT NULL,
    next_offset bigint NOT NULL,
    received bigint DEFAULT 0 NOT NULL,
    holes bigint DEFAULT 0 NOT NULL,
    lost bigint DEFAULT 0 NOT NULL,
    CONSTRAINT intake_positions_pkey PRIMARY KEY (topic, partition, log_generation),
    CONSTRAINT position_adds_up CHECK ((next_offset - start_offset) = (received + holes + lost)),
    CONSTRAINT position_counts CHECK (received >= 0 AND holes >= 0 AND lost >= 0)
);

CREATE TABLE ledger (
    message bigint NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    log_generation integer NOT NULL,
    log_offset bigint NOT NULL,
    arrived_at timestamp with time zone NOT NULL,
    record_key bytea,
    key_id text,
    seal bytea,
    odd_headers jsonb,
    value bytea,
    size integer NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT ledger_pkey PRIMARY KEY (message),
    CONSTRAINT ledger_coordinate UNIQUE (topic, partition, log_generation, log_offset)
);

CREATE TABLE lot_states (
    lot text NOT NULL,
    plant text NOT NULL,
    product text,
    origin text,
    net_g bigint NOT NULL,
    reo_g bigint,
    broken text,
    depth integer NOT NULL,
    feed text DEFAULT 'unknown'::text NOT NULL,
    oxides text,
    broken_since timestamp with time zone,
    used_g bigint DEFAULT 0 NOT NULL,
    CONSTRAINT lot_states_pkey PRIMARY KEY (lot)
);

CREATE TABLE lots (
    lot text NOT NULL,
    message bigint NOT NULL,
    index smallint NOT NULL,
    plant text NOT NULL,
    product text NOT NULL,
    origin text NOT NULL,
    net_g bigint NOT NULL,
    reo_g bigint,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT lots_pkey PRIMARY KEY (lot, message, index)
);

CREATE TABLE migrations (
    name text NOT NULL,
    ran_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT migrations_pkey PRIMARY KEY (name)
);

CREATE TABLE moves (
    message bigint NOT NULL,
    index smallint NOT NULL,
    line smallint NOT NULL,
    plant text NOT NULL,
    lot text NOT NULL,
    kind text NOT NULL,
    step text NOT NULL,
    at timestamp with time zone NOT NULL,
    net_g bigint NOT NULL,
    product text,
    origin text,
    reo_g bigint,
    claimed_g bigint,
    into_lot text,
    shipment text,
    feed text,
    lawful boolean,
    oxides text,
    label text,
    CONSTRAINT moves_pkey PRIMARY KEY (message, index, line),
    CONSTRAINT move_kind CHECK (kind = ANY (ARRAY['opening'::text, 'imported'::text, 'taken_in'::text, 'made'::text, 'used'::text, 'left_over'::text, 'dispatched'::text, 'received'::text, 'refused'::text, 'returned'::text, 'lost'::text, 'lost_in_process'::text])),
    CONSTRAINT move_mass CHECK (net_g >= 0 OR kind = 'left_over'::text)
);

CREATE TABLE outages (
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    what text NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT outages_pkey PRIMARY KEY (number),
    CONSTRAINT outage_order CHECK (until > since),
    CONSTRAINT outage_what CHECK (what = ANY (ARRAY['down'::text, 'behind'::text]))
);

CREATE TABLE outbox (
    publication bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    arrived_at timestamp with time zone,
    written_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    published_at timestamp with time zone,
    parked_at timestamp with time zone,
    CONSTRAINT outbox_pkey PRIMARY KEY (publication)
);

CREATE TABLE outputs (
    plant text NOT NULL,
    month date NOT NULL,
    product text NOT NULL,
    step text NOT NULL,
    origin text NOT NULL,
    lawful boolean NOT NULL,
    lines bigint NOT NULL,
    net_g bigint NOT NULL,
    reo_g bigint NOT NULL,
    CONSTRAINT outputs_pkey PRIMARY KEY (plant, month, product, step, origin, lawful),
    CONSTRAINT output_month CHECK (EXTRACT(day FROM month) = 1::numeric)
);

CREATE TABLE past_moves (
    message bigint NOT NULL,
    index smallint NOT NULL,
    line smallint NOT NULL,
    plant text NOT NULL,
    lot text NOT NULL,
    kind text NOT NULL,
    step text NOT NULL,
    at timestamp with time zone NOT NULL,
    net_g bigint NOT NULL,
    product text,
    origin text,
    into_lot text,
    until timestamp with time zone NOT NULL,
    shipment text,
    CONSTRAINT past_moves_pkey PRIMARY KEY (message, index, line)
);

CREATE TABLE platform (
    only_row boolean DEFAULT true NOT NULL,
    instant timestamp with time zone,
    judged_at timestamp with time zone NOT NULL,
    epoch integer DEFAULT 1 NOT NULL,
    awaited_digest bytea,
    judge_again_at timestamp with time zone,
    settled_message bigint DEFAULT 0 NOT NULL,
    known_until timestamp with time zone DEFAULT '2000-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    known_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    passed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    was_down boolean DEFAULT false NOT NULL,
    outages_told bigint DEFAULT 0 NOT NULL,
    CONSTRAINT platform_pkey PRIMARY KEY (only_row),
    CONSTRAINT platform_only_row_check CHECK (only_row)
);

CREATE TABLE receipt_numbers (
    source integer NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT receipt_numbers_pkey PRIMARY KEY (source)
);

CREATE TABLE registry_changes (
    revision bigint NOT NULL,
    noun text NOT NULL,
    key text NOT NULL,
    before jsonb,
    after jsonb,
    CONSTRAINT registry_changes_pkey PRIMARY KEY (revision, noun, key),
    CONSTRAINT registry_change_changes CHECK (before IS DISTINCT FROM after)
);

CREATE TABLE registry_entries (
    noun text NOT NULL,
    key text NOT NULL,
    document jsonb NOT NULL,
    CONSTRAINT registry_entries_pkey PRIMARY KEY (noun, key)
);

CREATE TABLE registry_revisions (
    revision bigint NOT NULL,
    applied_at timestamp with time zone NOT NULL,
    applied_by text NOT NULL,
    digest bytea NOT NULL,
    CONSTRAINT registry_revisions_pkey PRIMARY KEY (revision),
    CONSTRAINT registry_revisions_digest_check CHECK (length(digest) = 32),
    CONSTRAINT registry_revisions_revision_check CHECK (revision > 0)
);

CREATE TABLE reports (
    level text NOT NULL,
    code text NOT NULL,
    month date NOT NULL,
    revision integer NOT NULL,
    judged_at timestamp with time zone NOT NULL,
    message bigint NOT NULL,
    hash bytea NOT NULL,
    document bytea NOT NULL,
    stored_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT reports_pkey PRIMARY KEY (level, code, month, revision),
    CONSTRAINT report_hash CHECK (length(hash) = 32),
    CONSTRAINT report_level CHECK (level = ANY (ARRAY['nation'::text, 'province'::text, 'enterprise'::text, 'plant'::text])),
    CONSTRAINT report_month CHECK (EXTRACT(day FROM month) = 1::numeric),
    CONSTRAINT report_revision CHECK (revision > 0)
);

CREATE TABLE restated (
    message bigint NOT NULL,
    index smallint NOT NULL,
    cause bigint NOT NULL,
    CONSTRAINT restated_pkey PRIMARY KEY (message, index)
);

CREATE TABLE restated_months (
    plant text NOT NULL,
    month date NOT NULL,
    mark bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    CONSTRAINT restated_months_pkey PRIMARY KEY (plant, month),
    CONSTRAINT restated_month CHECK (EXTRACT(day FROM month) = 1::numeric)
);

CREATE TABLE shipments (
    shipment text NOT NULL,
    consignor text NOT NULL,
    waybill text NOT NULL,
    consignee text NOT NULL,
    state text NOT NULL,
    actor text,
    due_at timestamp with time zone,
    dispatched_at timestamp with time zone,
    received_at timestamp with time zone,
    lines jsonb NOT NULL,
    CONSTRAINT shipments_pkey PRIMARY KEY (shipment),
    CONSTRAINT shipment_state CHECK (state = ANY (ARRAY['under way'::text, 'received'::text, 'short'::text, 'over'::text, 'partly refused'::text, 'refused'::text, 'left the register'::text, 'not dispatched'::text]))
);

CREATE TABLE skipped_days (
    topic text NOT NULL,
    partition integer NOT NULL,
    log_generation integer NOT NULL,
    day date NOT NULL,
    holes bigint NOT NULL,
    lost bigint NOT NULL,
    CONSTRAINT skipped_days_pkey PRIMARY KEY (topic, partition, log_generation, day),
    CONSTRAINT skipped_something CHECK (holes >= 0 AND lost >= 0 AND (holes + lost) > 0)
);

CREATE TABLE source_states (
    source integer NOT NULL,
    decided int8multirange NOT NULL,
    CONSTRAINT source_states_pkey PRIMARY KEY (source)
);

CREATE TABLE sources (
    source integer GENERATED ALWAYS AS IDENTITY NOT NULL,
    plant text NOT NULL,
    gateway text NOT NULL,
    stream text NOT NULL,
    incarnation text NOT NULL,
    CONSTRAINT sources_pkey PRIMARY KEY (source),
    CONSTRAINT source_identity UNIQUE (plant, gateway, stream, incarnation)
);

CREATE TABLE stated (
    message bigint NOT NULL,
    index smallint NOT NULL,
    noun text NOT NULL,
    key text NOT NULL,
    plant text NOT NULL,
    type text NOT NULL,
    at timestamp with time zone NOT NULL,
    arrived_at timestamp with time zone NOT NULL,
    data jsonb NOT NULL,
    CONSTRAINT stated_pkey PRIMARY KEY (message, index),
    CONSTRAINT stated_noun CHECK (noun = ANY (ARRAY['shipment'::text, 'month'::text]))
);

CREATE TABLE stocks (
    plant text NOT NULL,
    product text NOT NULL,
    month date NOT NULL,
    moves bigint NOT NULL,
    net_g bigint NOT NULL,
    reo_g bigint NOT NULL,
    CONSTRAINT stocks_pkey PRIMARY KEY (plant, product, month),
    CONSTRAINT stock_month CHECK (EXTRACT(day FROM month) = 1::numeric)
);

CREATE TABLE sweeps (
    noun text NOT NULL,
    after text NOT NULL,
    CONSTRAINT sweeps_pkey PRIMARY KEY (noun),
    CONSTRAINT sweep_noun CHECK (noun = ANY (ARRAY['lot'::text, 'shipment'::text]))
);

CREATE TABLE tallies (
    topic text NOT NULL,
    partition integer NOT NULL,
    log_generation integer NOT NULL,
    outcome text NOT NULL,
    messages bigint NOT NULL,
    CONSTRAINT tallies_pkey PRIMARY KEY (topic, partition, log_generation, outcome)
);

CREATE TABLE told_reports (
    level text NOT NULL,
    code text NOT NULL,
    month date NOT NULL,
    revision integer NOT NULL,
    CONSTRAINT told_reports_pkey PRIMARY KEY (level, code, month),
    CONSTRAINT told_report_revision CHECK (revision > 0)
);

CREATE TABLE told_topics (
    topic text NOT NULL,
    topic_id bytea NOT NULL,
    CONSTRAINT told_topics_pkey PRIMARY KEY (topic),
    CONSTRAINT told_topic_id CHECK (length(topic_id) = 16)
);

CREATE TABLE unfiled (
    message bigint NOT NULL,
    index smallint NOT NULL,
    plant text NOT NULL,
    month text NOT NULL,
    outcome text NOT NULL,
    rule text NOT NULL,
    arrived_at timestamp with time zone NOT NULL,
    CONSTRAINT unfiled_pkey PRIMARY KEY (message, index),
    CONSTRAINT unfiled_outcome CHECK (outcome = ANY (ARRAY['awaiting'::text, 'refused'::text, 'applied'::text]))
);

ALTER TABLE adoptions ADD CONSTRAINT adopted_position FOREIGN KEY (topic, partition, log_generation) REFERENCES intake_positions(topic, partition, log_generation);

ALTER TABLE registry_changes ADD CONSTRAINT registry_changes_revision_fkey FOREIGN KEY (revision) REFERENCES registry_revisions(revision);

ALTER TABLE skipped_days ADD CONSTRAINT skipped_position FOREIGN KEY (topic, partition, log_generation) REFERENCES intake_positions(topic, partition, log_generation);

CREATE INDEX custody_findings_by_time ON custody_findings USING btree (rule, at);

CREATE INDEX custody_findings_of_alert ON custody_findings USING btree (rule, subject, period, at);

CREATE INDEX envelopes_awaiting ON envelopes USING btree (source, key_id) WHERE outcome = 'awaiting'::text AND NOT vouched AND rule <> 'awaiting-bound'::text;

CREATE INDEX envelopes_kept ON envelopes USING btree (hash) WHERE outcome = ANY (ARRAY['awaiting'::text, 'refused'::text]);

CREATE UNIQUE INDEX envelopes_occupants ON envelopes USING btree (source, sequence) WHERE occupies;

CREATE INDEX envelopes_others ON envelopes USING btree (source, sequence) WHERE NOT occupies AND source IS NOT NULL;

CREATE INDEX envelopes_stripped ON envelopes USING btree (hash) WHERE rule = 'awaiting-bound'::text;

CREATE INDEX events_amending ON events USING btree (message, plant) WHERE target_id IS NOT NULL AND outcome = 'applied'::text AND NOT test;

CREATE UNIQUE INDEX events_applied ON events USING btree (event_id) WHERE outcome = 'applied'::text AND NOT test;

CREATE INDEX events_awaiting ON events USING btree (message, index) WHERE outcome = 'awaiting'::text AND NOT test;

CREATE INDEX events_others ON events USING btree (event_id) WHERE (outcome = ANY (ARRAY['duplicate'::text, 'awaiting'::text])) AND NOT test;

CREATE INDEX events_targets ON events USING btree (target_id) WHERE target_id IS NOT NULL AND NOT test;

CREATE INDEX findings_by_time ON findings USING btree (rule, at);

CREATE INDEX findings_of_alert ON findings USING btree (rule, subject, period, at);

CREATE INDEX flagged_of_key ON flagged USING btree (key);

CREATE INDEX flagged_untold ON flagged USING btree (key) WHERE NOT told;

CREATE INDEX lots_of_statement ON lots USING btree (message, index);

CREATE INDEX moves_into ON moves USING btree (into_lot) INCLUDE (lot, net_g) WHERE into_lot IS NOT NULL;

CREATE INDEX moves_of_lot ON moves USING btree (lot, plant, kind, at);

CREATE INDEX moves_of_plant ON moves USING btree (plant, at);

CREATE INDEX moves_of_shipment ON moves USING btree (shipment) WHERE shipment IS NOT NULL;

CREATE INDEX moves_out_of ON moves USING btree (lot) INCLUDE (into_lot, net_g) WHERE into_lot IS NOT NULL;

CREATE INDEX outbox_unpublished ON outbox USING btree (publication) WHERE published_at IS NULL AND parked_at IS NULL;

CREATE INDEX past_moves_into ON past_moves USING btree (into_lot) WHERE into_lot IS NOT NULL;

CREATE INDEX past_moves_of_lot ON past_moves USING btree (lot);

CREATE INDEX past_moves_of_shipment ON past_moves USING btree (shipment) WHERE shipment IS NOT NULL;

CREATE INDEX reports_of_month ON reports USING btree (month, level, code);

CREATE INDEX restated_by_cause ON restated USING btree (cause);

CREATE INDEX shipments_open ON shipments USING btree (due_at) WHERE actor IS NOT NULL;

CREATE INDEX stated_of_key ON stated USING btree (noun, key, at);

CREATE INDEX stated_of_licence ON stated USING btree (((data -> 'export'::text) ->> 'licence'::text)) WHERE ((data -> 'export'::text) ->> 'licence'::text) IS NOT NULL;

CREATE INDEX unfiled_of_month ON unfiled USING btree (plant, month, arrived_at);

CREATE OR REPLACE FUNCTION public.projections()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT ARRAY['envelopes', 'source_states', 'events', 'draw_days', 'cap_days', 'caps', 'lots', 'findings', 'finding_sums',
                 'alerts', 'tallies', 'following', 'restated', 'doubts', 'sweeps', 'moves', 'past_moves', 'holdings', 'lot_states',
                 'stated', 'shipments', 'flows', 'outputs', 'stocks', 'element_flows', 'custody_findings', 'unfiled']
$function$;

CREATE OR REPLACE FUNCTION public.shadow_close()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM set_config('search_path', 'public', true);
    DROP SCHEMA shadow CASCADE;
END
$function$;

CREATE OR REPLACE FUNCTION public.shadow_keep()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY projections() LOOP
        IF name <> 'alerts' THEN
            EXECUTE format('DELETE FROM public.%I', name);
            EXECUTE format('INSERT INTO public.%I SELECT * FROM shadow.%I', name, name);
        END IF;
    END LOOP;
END
$function$;

CREATE OR REPLACE FUNCTION public.shadow_open()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
    name text;
BEGIN
    DROP SCHEMA IF EXISTS shadow CASCADE;
    CREATE SCHEMA shadow;
    -- What is told while rebuilding goes nowhere.
    FOREACH name IN ARRAY projections() || ARRAY['outbox', 'receipt_numbers', 'flagged'] LOOP
        EXECUTE format('CREATE TABLE shadow.%I (LIKE public.%I INCLUDING ALL)', name, name);
    END LOOP;
    INSERT INTO shadow.following DEFAULT VALUES;
    PERFORM set_config('search_path', 'shadow, public', true);
END
$function$;
