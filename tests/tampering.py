"""What somebody with psql might do: one change to each column of the ledger and of what was decided that matters."""

# ruff: noqa: S608 - our own words

from regulator_desk import key_id_of

from monazite_contracts.builders import MINE

OTHER_KEY = key_id_of(MINE, "gw-1", 2)
FIRST_TWO = "SELECT min(message), min(message) + 1 FROM ledger UNION SELECT min(message) + 1, min(message) FROM ledger"


def ledger(assignment: str) -> str:
    """Of the first message."""
    return f"UPDATE ledger SET {assignment} WHERE message = (SELECT min(message) FROM ledger)"


def envelopes(assignment: str, where: str = "occupies") -> str:
    """Of the first message of which something holds."""
    return f"UPDATE envelopes SET {assignment} WHERE message = (SELECT min(message) FROM envelopes WHERE {where})"


def events(assignment: str, where: str = "outcome = 'applied' AND effective") -> str:
    """Of the first event of which something holds."""
    return (
        f"UPDATE events SET {assignment} WHERE (message, index) ="
        f" (SELECT message, index FROM events WHERE {where} ORDER BY message, index LIMIT 1)"
    )


ZEROS = "'\\x" + "00" * 32 + "'"

LAST_RECEIPT = (
    "(SELECT o.publication FROM outbox o JOIN source_states d ON NOT isempty(d.decided)"
    " JOIN sources s USING (source)"
    " WHERE o.key = convert_to(concat_ws('/', s.plant, s.gateway, s.stream, s.incarnation), 'UTF8')"
    " ORDER BY d.source, o.publication DESC LIMIT 1)"
)
"""The newest one of a source of which something is decided."""


def told(topic: str, field: str, publication: str = "publication") -> str:
    """Says another thing in a publication on a topic, or in all of them."""
    return (
        "UPDATE outbox SET value = convert_to((convert_from(value, 'UTF8')::jsonb ||"
        f" jsonb_build_object({field}))::text, 'UTF8') WHERE topic LIKE '{topic}%' AND publication = {publication}"
    )


CHANGES: dict[str, tuple[str, str]] = {
    "ledger.value": (ledger("value = overlay(value PLACING '9' FROM 60 FOR 1)"), "ledger.value"),
    "ledger.value, shortened": (ledger("value = substring(value FROM 1 FOR 100)"), "ledger.value"),
    "ledger.value, gone": (ledger("value = NULL"), "envelopes.vouched"),
    "ledger.hash": (ledger(f"hash = {ZEROS}"), "ledger.value"),
    "ledger.size": (ledger("size = size + 1"), "ledger.size"),
    "ledger.key_id": (ledger(f"key_id = '{OTHER_KEY}'"), "envelopes.key_id"),
    "ledger.seal": (ledger("seal = decode(repeat('00', 64), 'hex')"), "envelopes.vouched"),
    "ledger.arrived_at": (ledger("arrived_at = arrived_at - interval '1 day'"), "envelopes.arrived_at"),
    "ledger.record_key": (ledger("record_key = 'x/y'"), "envelopes.vouched"),
    "ledger.topic": (ledger("topic = 'plant-shipments'"), "envelopes.vouched"),
    "ledger.partition": (ledger("partition = (partition + 1) % 6, log_offset = 99"), "envelopes.vouched"),
    "ledger.log_offset": (ledger("log_offset = 999"), "ledger.log_offset"),
    "ledger.log_generation": (ledger("log_generation = 2"), "intake_positions"),
    "a ledger row is gone": ("DELETE FROM ledger WHERE message = (SELECT min(message) FROM ledger)", "envelopes"),
    "a message is gone with all that was decided": (
        ("WITH m AS (SELECT max(message) AS n FROM envelopes WHERE occupies), e AS (DELETE FROM envelopes USING m WHERE"
        " message = n), v AS (DELETE FROM events USING m WHERE message = n)"
        " DELETE FROM ledger USING m WHERE message = n"),
        "intake_positions",
    ),
    "a ledger row is put in": (
        ("INSERT INTO ledger SELECT message + 1000, topic, partition, log_generation, log_offset + 1000, arrived_at,"
        " record_key, key_id, seal, odd_headers, value, size, hash FROM ledger"
        " WHERE message = (SELECT min(message) FROM ledger)"),
        "ledger",
    ),
    "two values are swapped": (
        ("UPDATE ledger l SET value = o.value, hash = o.hash, size = o.size FROM ledger o"
        " WHERE (l.message, o.message) IN"
        f" ({FIRST_TWO})"),
        "envelopes.hash",
    ),
    "two offsets are swapped": (
        ("UPDATE ledger l SET log_offset = o.log_offset + 500 FROM ledger o WHERE (l.message, o.message) IN"
        f" ({FIRST_TWO})"),
        "ledger.log_offset",
    ),
    "envelopes.outcome": (envelopes("outcome = 'refused', rule = 'too-large'"), "envelopes.outcome"),
    "envelopes.occupies": (envelopes("occupies = false, outcome = 'duplicate'"), "envelopes.occupies"),
    "envelopes.vouched": (envelopes("vouched = true", "outcome = 'awaiting' AND NOT vouched"), "envelopes.vouched"),
    "envelopes.hash": (envelopes(f"hash = {ZEROS}"), "envelopes.hash"),
    "envelopes.previous": (envelopes(f"previous = {ZEROS}"), "envelopes.previous"),
    "envelopes.sequence": (envelopes("sequence = 77"), "envelopes.sequence"),
    "envelopes.source": (envelopes("source = (SELECT max(source) FROM sources), sequence = 99"), "envelopes.source"),
    "envelopes.arrived_at": (envelopes("arrived_at = arrived_at + interval '1 day'"), "envelopes.arrived_at"),
    "envelopes.key_id": (envelopes(f"key_id = '{OTHER_KEY}'"), "envelopes.key_id"),
    "envelopes.events": (envelopes("events = 1"), "envelopes.events"),
    "envelopes.rule": (envelopes("rule = 'key-not-valid'", "rule = 'key-unknown'"), "envelopes.rule"),
    "a forgery is called a repeat": (
        envelopes("outcome = 'duplicate', rule = NULL", "rule = 'seal-false'"), "tallies",
    ),
    "what awaits is called a repeat, and counted as one": (
        ("WITH m AS (UPDATE envelopes SET outcome = 'duplicate', rule = NULL, field = NULL, remedy = NULL"
        " WHERE rule = 'key-unknown' RETURNING message),"
        " l AS (SELECT topic, partition, log_generation FROM ledger JOIN m USING (message)),"
        " t AS (UPDATE tallies SET messages = messages - 1 FROM l WHERE outcome = 'awaiting' AND (tallies.topic,"
        " tallies.partition, tallies.log_generation) = (l.topic, l.partition, l.log_generation))"
        " UPDATE tallies SET messages = messages + 1 FROM l WHERE outcome = 'duplicate' AND (tallies.topic,"
        " tallies.partition, tallies.log_generation) = (l.topic, l.partition, l.log_generation)"),
        "envelopes.outcome",
    ),
    "what awaits is nobody's": (
        envelopes("source = NULL, sequence = NULL", "rule = 'key-unknown'"), "envelopes.source",
    ),
    "what awaits is another's": (
        envelopes("source = (SELECT min(source) FROM sources)", "rule = 'key-unknown'"), "envelopes.source",
    ),
    "what is forged is somebody's": (
        envelopes("source = (SELECT min(source) FROM sources), sequence = 2", "rule = 'seal-false'"),
        "envelopes.source",
    ),
    "envelopes.field": (envelopes("field = 'lies'", "rule = 'key-unknown'"), "envelopes.field"),
    "envelopes.field, of a refused one": (envelopes("field = 'lies'", "outcome = 'refused'"), "envelopes.field"),
    "envelopes.remedy": (envelopes("remedy = 'lies'", "rule IS NOT NULL"), "envelopes.remedy"),
    "sources.plant": ("UPDATE sources SET plant = 'evil-mine'", "envelopes.source"),
    "source_states.decided": ("UPDATE source_states SET decided = '{[1,99)}'", "source_states.decided"),
    "events.plant": (events("plant = 'evil-mine'"), "events.plant"),
    "events.event_id": (events("event_id = gen_random_uuid()"), "events.event_id"),
    "events.hash": (events(f"hash = {ZEROS}"), "events.hash"),
    "events.type": (events("type = 'monazite.loss.v1'"), "events.type"),
    "events.event_time": (events("event_time = event_time + interval '1 year'"), "events.event_time"),
    "events.outcome": (events("outcome = 'duplicate', effective = false"), "events.outcome"),
    "events.outcome, of a refused one": (events("outcome = 'awaiting'", "outcome = 'refused'"), "events.outcome"),
    "events.effective": (events("effective = false"), "events.effective"),
    "events.amended_at": (
        "UPDATE events SET amended_at = amended_at - interval '1 day' WHERE amended_at IS NOT NULL",
        "events.amended_at",
    ),
    "events.effective, of a corrected one": (
        events("effective = true, amended_at = NULL", "outcome = 'applied' AND NOT effective AND NOT test"),
        "events.effective",
    ),
    "events.test": (events("test = true"), "events.test"),
    "events.target_id": (events("target_id = NULL, target_hash = NULL", "target_id IS NOT NULL"), "events.target"),
    "events.target_hash": (events(f"target_hash = {ZEROS}", "target_id IS NOT NULL"), "events.target"),
    "events.field": (events("field = 'lies'", "outcome = 'refused'"), "events.field"),
    "events.field, of a rival": (events("field = 'lies'", "outcome = 'awaiting'"), "events.field"),
    "events.remedy": (events("remedy = 'lies'", "rule IS NOT NULL"), "events.remedy"),
    "events.rule": (events("rule = 'too-large'", "outcome = 'refused'"), "events.rule"),
    "an event is gone": (
        "DELETE FROM events WHERE (message, index) = (SELECT message, index FROM events ORDER BY 1, 2 LIMIT 1)",
        "events",
    ),
    "an event is put in": (
        ("INSERT INTO events SELECT message, 9::smallint, plant, gen_random_uuid(), hash, type, event_time,"
        " 'duplicate', false, test FROM events ORDER BY message, index LIMIT 1"),
        "events",
    ),
    "draw_days.drawn_g": ("UPDATE draw_days SET drawn_g = drawn_g - 1", "draw_days"),
    "draw_days.original_g": ("UPDATE draw_days SET original_g = original_g + 1", "draw_days"),
    "draw_days.events": ("UPDATE draw_days SET events = 0", "draw_days"),
    "draw_days.day": ("UPDATE draw_days SET day = day + 1", "draw_days"),
    "draw_days.basis": ("UPDATE draw_days SET basis = 'recycled'", "draw_days"),
    "a draw is put in": (
        "INSERT INTO draw_days VALUES ('x', '2023-01-01', 'separation', 'output', 1, 1, 1)", "draw_days",
    ),
    "cap_days.drawn_g": ("UPDATE cap_days SET drawn_g = drawn_g - 1", "cap_days.drawn_g"),
    "cap_days.original_g": ("UPDATE cap_days SET original_g = 0", "cap_days.original_g"),
    "a day of a cap is gone": ("DELETE FROM cap_days", "cap_days.drawn_g"),
    "caps.drawn_g": ("UPDATE caps SET drawn_g = drawn_g - 1", "caps.drawn_g"),
    "caps.original_g": ("UPDATE caps SET original_g = 0", "caps.original_g"),
    "caps.granted_g": ("UPDATE caps SET granted_g = 2 * granted_g", "caps.granted_g"),
    "caps.overrun_peak_g": ("UPDATE caps SET overrun_peak_g = 1", "caps.overrun_peak_g"),
    "lots.net_g": ("UPDATE lots SET net_g = net_g + 1", "lots"),
    "lots.origin": ("UPDATE lots SET origin = 'imported'", "lots"),
    "a lot is gone": ("DELETE FROM lots", "lots"),
    "findings.measure": ("UPDATE findings SET measure = measure + 1", "findings"),
    "findings.at": ("UPDATE findings SET at = at + interval '1 day'", "findings"),
    "a finding is gone": ("DELETE FROM findings WHERE rule = 'claimed-reo'", "findings"),
    "a gap is gone": ("DELETE FROM findings WHERE rule = 'envelope-gap'", "findings"),
    "finding_sums.findings": ("UPDATE finding_sums SET findings = findings + 1", "finding_sums"),
    "finding_sums.measure": ("UPDATE finding_sums SET measure = measure - 1", "finding_sums"),
    "alerts.condition": ("UPDATE alerts SET condition = 'recovered'", "alerts.condition"),
    "alerts.evidence": ("UPDATE alerts SET evidence = '{}'", "alerts.evidence"),
    "alerts.severity": ("UPDATE alerts SET severity = 'information' WHERE severity = 'serious'", "alerts.severity"),
    "an alert is gone": ("DELETE FROM alerts WHERE rule = 'envelope-gap'", "alerts.condition"),
    "alerts.alert": ("UPDATE alerts SET alert = alert || 'x'", "alerts.alert"),
    "alerts.rule": ("UPDATE alerts SET rule = 'no-rule' WHERE rule = 'envelope-gap'", "alerts.rule"),
    "alerts.revision": ("UPDATE alerts SET revision = revision + 7", "outbox.value: alert"),
    "alerts.raised_at": ("UPDATE alerts SET raised_at = raised_at - interval '1 year'", "outbox.value: alert"),
    "alerts.raised_at, after it changed": (
        "UPDATE alerts SET raised_at = changed_at + interval '1 day'", "alerts.raised_at",
    ),
    "alerts.changed_at": ("UPDATE alerts SET changed_at = changed_at + interval '1 day'", "outbox.value: alert"),
    "a recovered alert is put in": (
        ("INSERT INTO alerts SELECT left(encode(sha256(convert_to(E'seal-false\\nmine/gw-9\\n2023-01-01', 'UTF8')),"
        " 'hex'), 32), 'seal-false', 'mine/gw-9', '2023-01-01', NULL, 'recovered', 'serious', NULL, '{}', now(),"
        " now(), 1"),
        "alerts.condition",
    ),
    "an alert is gone with all that was told": (
        ("WITH a AS (DELETE FROM alerts WHERE rule = 'envelope-gap' RETURNING alert)"
        " DELETE FROM outbox USING a WHERE key = convert_to(alert, 'UTF8')"),
        "alerts.condition",
    ),
    "tallies.messages": ("UPDATE tallies SET messages = messages + 1", "tallies"),
    "intake_positions.received": (
        "UPDATE intake_positions SET received = received + 1, next_offset = next_offset + 1", "intake_positions",
    ),
    "intake_positions.start_offset": (
        "UPDATE intake_positions SET start_offset = 1, next_offset = next_offset + 1 WHERE received > 0",
        "intake_positions",
    ),
    "intake_positions.holes": (
        "UPDATE intake_positions SET next_offset = next_offset + 1, holes = holes + 1", "intake_positions",
    ),
    "a receipt is renumbered": (told("receipts-", "'number', 99"), "outbox.value: number"),
    "a receipt is gone": (
        f"DELETE FROM outbox WHERE publication = {LAST_RECEIPT}", "receipt_numbers.number",
    ),
    "a receipt in between is gone": (
        ("DELETE FROM outbox WHERE publication IN (SELECT publication FROM (SELECT publication, row_number() OVER w AS"
        " place, count(*) OVER (PARTITION BY key) AS of FROM outbox WHERE topic LIKE 'receipts-%'"
        " WINDOW w AS (PARTITION BY key ORDER BY publication)) r WHERE place = 2 AND of > 2)"),
        "outbox.value: number",
    ),
    "a receipt says more": (
        told("receipts-", "'decided_through', 9", LAST_RECEIPT), "outbox.value: decided_through",
    ),
    "a receipt says another hash": (
        told("receipts-", "'decided_hash', repeat('0', 64)", LAST_RECEIPT), "outbox.value: decided_hash",
    ),
    "a receipt says other ranges": (
        told("receipts-", "'decided_beyond', '[]'::jsonb", LAST_RECEIPT), "outbox.value: decided_beyond",
    ),
    "a receipt is none": ("UPDATE outbox SET value = 'x' WHERE topic LIKE 'receipts-%'", "outbox.value"),
    "receipt_numbers.number": ("UPDATE receipt_numbers SET number = number + 1", "receipt_numbers.number"),
    "an alert was told otherwise": (
        told("regulator-alerts", "'condition', 'retracted'"), "outbox.value: alert",
    ),
    "a province was told otherwise": (
        told("regulator-alerts-", "'severity', 'information'"), "outbox.value: alert",
    ),
    "an alert was told of another epoch": (told("regulator-alerts", "'epoch', 3"), "outbox.value: epoch"),
    "platform.epoch": ("UPDATE platform SET epoch = 99", "outbox.value: epoch"),
    "platform.judged_at": ("UPDATE platform SET judged_at = '2000-01-01'", "alerts.condition"),
    "the outbox is empty": ("DELETE FROM outbox", "outbox"),
    "the outbox says nothing": ("UPDATE outbox SET value = '{}'", "outbox.value"),
    "outbox.parked_at": ("UPDATE outbox SET parked_at = now()", "outbox.parked_at"),
    "a number of receipts is gone": (
        "WITH o AS (DELETE FROM outbox WHERE topic LIKE 'receipts-%') DELETE FROM receipt_numbers",
        "receipt_numbers.number",
    ),
    "an alert was told as none": ("UPDATE outbox SET value = 'x' WHERE topic = 'regulator-alerts'", "outbox.value"),
    "registry_revisions.revision": (
        ("WITH r AS (INSERT INTO registry_revisions SELECT 7, applied_at, applied_by, digest FROM registry_revisions)"
        " SELECT 1"),
        "registry_revisions.revision",
    ),
    "registry_revisions.digest": (f"UPDATE registry_revisions SET digest = {ZEROS}", "registry_revisions.digest"),
    "registry_changes.after": (
        ("UPDATE registry_changes SET after = after || '{\"name\": \"Another\"}'"
        " WHERE noun = 'plants' AND key = 'evil-mine'"),
        "registry_revisions.digest",
    ),
    "registry_changes.after, garbage": (
        "UPDATE registry_changes SET after = '{}' WHERE noun = 'plants'", "registry_changes.after",
    ),
    "registry_changes.before": (
        "UPDATE registry_changes SET before = '{}' WHERE noun = 'plants'", "registry_changes.before",
    ),
    "registry_entries.document": (
        "UPDATE registry_entries SET document = document || '{\"name\": \"Another\"}' WHERE noun = 'plants'",
        "registry_entries.document",
    ),
    "registry_changes are gone": ("DELETE FROM registry_changes", "registry_entries.document"),
    "an enterprise is renamed": (
        ("UPDATE registry_entries SET document = jsonb_set(document, '{name}', '\"Mallory\"')"
        " WHERE noun = 'enterprises'"),
        "registry_entries.document",
    ),
    "an approval is gone": ("DELETE FROM registry_entries WHERE noun = 'approvals'", "registry_entries.document"),
    "a key is valid from another day": (
        ("UPDATE registry_entries SET document = jsonb_set(document, '{since}', '\"2000-01-01T00:00:00Z\"')"
        " WHERE noun = 'gateway_keys'"),
        "registry_entries.document",
    ),
    "an approval is put in and an alert taken out": (
        ("WITH a AS (DELETE FROM alerts WHERE rule = 'cap-not-issued') INSERT INTO registry_entries"
        " SELECT noun, 'x' || key, document FROM registry_entries WHERE noun = 'approvals'"),
        "registry_entries.document",
    ),
    "a public key is exchanged": (
        ("UPDATE registry_entries SET document = document || jsonb_build_object('public',"
        " (SELECT document->>'public' FROM registry_entries WHERE key = 'evil-mine.gw-1.1'))"
        " WHERE key LIKE '%.gw-1.1'"),
        "envelopes.vouched",
    ),
}  # fmt: skip
