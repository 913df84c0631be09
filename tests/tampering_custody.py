"""What somebody with psql might do to what custody keeps: one change to each column that matters."""


def moves(assignment: str, kind: str = "received") -> str:
    """Of the first move of a kind."""
    first = f"SELECT message, index, line FROM moves WHERE kind = '{kind}' ORDER BY 1, 2, 3 LIMIT 1"  # noqa: S608 - ours
    return f"UPDATE moves SET {assignment} WHERE (message, index, line) = ({first})"  # noqa: S608 - our own words


CHANGES: dict[str, tuple[str, str]] = {
    "moves.net_g": (moves("net_g = net_g + 1"), "moves"),
    "moves.plant": (moves("plant = 'evil-mine'"), "moves"),
    "moves.lot": (moves("lot = 'evil-mine/R-1'"), "moves"),
    "moves.at": (moves("at = at - interval '1 day'"), "moves"),
    "moves.kind": (moves("kind = 'opening'"), "moves"),
    "moves.step": (moves("step = 'recovered'", "made"), "moves"),
    "moves.into_lot": (moves("into_lot = NULL", "used"), "moves"),
    "moves.claimed_g": (moves("claimed_g = claimed_g + 1", "made"), "moves"),
    "moves.shipment": (moves("shipment = 'x/y'"), "moves"),
    "moves.product, as its lot says": (moves("product = 'cerium-oxide'"), "moves"),
    "moves.origin, as its lot says": (moves("origin = 'recycled'", "used"), "moves"),
    "moves.reo_g, as its lot says": (moves("reo_g = coalesce(reo_g, 0) - 1"), "moves"),
    "moves.product, as it was stated": (moves("product = 'cerium-oxide'", "made"), "moves"),
    "moves.feed": (moves("feed = 'recycled'", "made"), "moves"),
    "moves.lawful": (moves("lawful = NOT lawful", "made"), "moves"),
    "moves.oxides": (moves("oxides = 'Nd:1'", "made"), "moves"),
    "a move is gone": ("DELETE FROM moves WHERE kind = 'lost'", "moves"),
    "a move is gone with all that it came to": (
        ("WITH m AS (DELETE FROM moves WHERE kind = 'lost' RETURNING *),"
        " h AS (UPDATE holdings h SET net_g = h.net_g - m.net_g, moves = h.moves - 1 FROM m"
        " WHERE (h.lot, h.plant, h.kind) = (m.lot, m.plant, m.kind))"
        " UPDATE flows f SET moves = f.moves - 1, net_g = f.net_g - m.net_g, reo_g = f.reo_g - coalesce(m.reo_g, 0)"
        " FROM m WHERE (f.plant, f.kind, f.product) = (m.plant, m.kind, m.product)"),
        "moves",
    ),
    "a move is put in": (
        ("INSERT INTO moves (message, index, line, plant, lot, kind, step, at, net_g)"
        " SELECT max(message) + 1000, 0, 0, 'evil-mine', 'evil-mine/R-1', 'opening', '', now(), 1 FROM moves"),
        "moves",
    ),
    "past_moves.until": ("UPDATE past_moves SET until = until - interval '1 day'", "past_moves"),
    "past_moves.net_g": ("UPDATE past_moves SET net_g = net_g + 1", "past_moves"),
    "what was stated before is gone": ("DELETE FROM past_moves", "past_moves"),
    "what was returned is not": ("DELETE FROM moves WHERE kind = 'returned'", "moves"),
    "what was returned is more": (moves("net_g = net_g + 1", "returned"), "moves"),
    "holdings.net_g": ("UPDATE holdings SET net_g = net_g + 1", "holdings"),
    "holdings.moves": ("UPDATE holdings SET moves = moves + 1", "holdings"),
    "a holding is gone": ("DELETE FROM holdings WHERE kind = 'lost'", "holdings"),
    "a holding is put in": ("INSERT INTO holdings VALUES ('evil-mine/R-1', 'evil-mine', 'opening', 1, 1)", "holdings"),
    "flows.net_g": ("UPDATE flows SET net_g = net_g - 1", "flows"),
    "flows.reo_g": ("UPDATE flows SET reo_g = reo_g + 1", "flows"),
    "flows.claimed_g": ("UPDATE flows SET claimed_g = claimed_g + 1", "flows"),
    "flows.month": ("UPDATE flows SET month = month + interval '10 years'", "flows"),
    "flows.reo_squares": ("UPDATE flows SET reo_squares = reo_squares - 1", "flows"),
    "outputs.net_g": ("UPDATE outputs SET net_g = net_g + 1", "outputs"),
    "outputs.reo_g": ("UPDATE outputs SET reo_g = reo_g + 1", "outputs"),
    "an output is gone": ("DELETE FROM outputs", "outputs"),
    "stocks.net_g": ("UPDATE stocks SET net_g = net_g + 1", "stocks"),
    "stocks.moves": ("UPDATE stocks SET moves = 0", "stocks"),
    "a stock is gone": ("DELETE FROM stocks", "stocks"),
    "element_flows.oxide_g": ("UPDATE element_flows SET oxide_g = oxide_g - 1", "element_flows"),
    "an element is gone": ("DELETE FROM element_flows", "element_flows"),
    "lot_states.feed": ("UPDATE lot_states SET feed = 'recycled'", "lot_states"),
    "a flow is gone": ("DELETE FROM flows", "flows"),
    "lot_states.broken": ("UPDATE lot_states SET broken = NULL WHERE broken IS NOT NULL", "lot_states"),
    "lot_states.broken_since": (
        "UPDATE lot_states SET broken_since = now() WHERE broken IS NOT NULL AND broken_since IS NULL", "lot_states",
    ),
    "lot_states.reo_g": ("UPDATE lot_states SET reo_g = reo_g + 1", "lot_states"),
    "lot_states.depth": ("UPDATE lot_states SET depth = depth + 1", "lot_states"),
    "lot_states.used_g": ("UPDATE lot_states SET used_g = used_g + 1", "lot_states"),
    "a lot is forgotten": ("DELETE FROM lot_states", "lot_states"),
    "a lot is put in": ("INSERT INTO lot_states VALUES ('evil-mine/X', 'evil-mine', NULL, NULL, 0, NULL, NULL, 0)",
        "lot_states"),
    "stated.data": ("UPDATE stated SET data = data || '{\"waybill\": \"OTHER\"}'", "stated"),
    "stated.key": ("UPDATE stated SET key = key || 'X' WHERE noun = 'shipment'", "stated"),
    "stated.arrived_at": ("UPDATE stated SET arrived_at = arrived_at - interval '1 month'", "stated"),
    "a declaration is gone": ("DELETE FROM stated WHERE noun = 'month'", "stated"),
    "shipments.state": ("UPDATE shipments SET state = 'received' WHERE state = 'short'", "shipments"),
    "shipments.actor": ("UPDATE shipments SET actor = NULL WHERE actor IS NOT NULL", "shipments"),
    "shipments.due_at": ("UPDATE shipments SET due_at = due_at + interval '1 year'", "shipments"),
    "shipments.lines": ("UPDATE shipments SET lines = jsonb_set(lines, '{0,sent_g}', '1')", "shipments"),
    "a shipment is gone": ("DELETE FROM shipments", "shipments"),
    "custody_findings.measure": ("UPDATE custody_findings SET measure = measure + 1", "custody_findings"),
    "custody_findings.at": ("UPDATE custody_findings SET at = at + interval '1 year'", "custody_findings"),
    "custody_findings.detail": ("UPDATE custody_findings SET detail = '{}'", "custody_findings"),
    "a finding is put in": (
        ("INSERT INTO custody_findings VALUES ('lot', 'evil-mine/X', 'lot-overdrawn', 'evil-mine', '2023-05', now(), 1,"
        " '{}')"),
        "custody_findings",
    ),
    "a finding is gone, with its alert and all that was told": (
        ("WITH f AS (DELETE FROM custody_findings WHERE rule = 'shipment-short' RETURNING rule, subject, period),"
        " a AS (DELETE FROM alerts a USING f WHERE (a.rule, a.subject, a.period) = (f.rule, f.subject, f.period)"
        " RETURNING alert) DELETE FROM outbox USING a WHERE key = convert_to(alert, 'UTF8')"),
        "custody_findings",
    ),
    "a finding about a licence is gone": (
        "DELETE FROM custody_findings WHERE noun = 'licence'", "custody_findings",
    ),
    "a finding about a month is gone": ("DELETE FROM custody_findings WHERE noun = 'month'", "custody_findings"),
    "an alert about a holding recovered": (
        "UPDATE alerts SET condition = 'recovered' WHERE rule = 'shipment-short'", "alerts.condition",
    ),
    "what custody has followed, it has not": ("UPDATE following SET message = 0", "moves"),
}  # fmt: skip
