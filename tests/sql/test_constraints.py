"""Every named constraint fires on what it is for, and on nothing else that is wrong."""

import datetime as dt
import re
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from monazite_consumers import database, sql
from monazite_consumers.rules.moves import KINDS
from monazite_consumers.rules.shipment_states import State

AT = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
MAY = dt.date(2024, 5, 1)

Row = dict[str, Any]

DEFINITION = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1"

VALID: dict[str, Row] = {
    "registry_revisions": {"revision": 1, "applied_at": AT, "applied_by": "regulator", "digest": bytes(32)},
    "registry_changes": {"revision": 1, "noun": "plant", "key": "p1", "before": None, "after": {"name": "P1"}},
    "ledger": {
        "message": 1,
        "topic": "plant-shipments",
        "partition": 0,
        "log_generation": 1,
        "log_offset": 0,
        "arrived_at": AT,
        "size": 2,
        "hash": bytes(32),
    },
    "intake_positions": {
        "topic": "plant-shipments",
        "partition": 0,
        "start_offset": 10,
        "next_offset": 15,
        "received": 3,
        "holes": 1,
        "lost": 1,
    },
    "skipped_days": {
        "topic": "plant-shipments",
        "partition": 0,
        "log_generation": 1,
        "day": AT.date(),
        "holes": 1,
        "lost": 1,
    },
    "adoptions": {
        "topic": "plant-shipments",
        "partition": 0,
        "log_generation": 1,
        "adopted_at": AT,
        "adopted_by": "keeper",
        "reason": "other-record",
        "read_to": 15,
        "log_start": 0,
        "log_end": 9,
    },
    "following": {"only_row": True, "message": 0},
    "doubts": {"noun": "lot", "key": "p1/L1"},
    "sweeps": {"noun": "lot", "after": ""},
    "moves": {
        "message": 1,
        "index": 0,
        "line": 0,
        "plant": "p1",
        "lot": "p1/L1",
        "kind": "made",
        "step": "mined",
        "at": AT,
        "net_g": 1,
    },
    "holdings": {"lot": "p1/L1", "plant": "p1", "kind": "made", "net_g": 1, "moves": 1},
    "stated": {
        "message": 1,
        "index": 0,
        "noun": "month",
        "key": "p1 2024-05",
        "plant": "p1",
        "type": "declaration",
        "at": AT,
        "arrived_at": AT,
        "data": {},
    },
    "shipments": {
        "shipment": "p1 W1",
        "consignor": "p1",
        "waybill": "W1",
        "consignee": "p2",
        "state": "under way",
        "lines": [],
    },
    "flows": {
        "plant": "p1",
        "month": MAY,
        "product": "ore",
        "kind": "made",
        "step": "mined",
        "origin": "domestic",
        "moves": 1,
        "net_g": 1,
        "reo_g": 1,
        "claimed_g": 1,
        "reo_squares": 1,
    },
    "outputs": {
        "plant": "p1",
        "month": MAY,
        "product": "ore",
        "step": "mined",
        "origin": "domestic",
        "lawful": True,
        "lines": 1,
        "net_g": 1,
        "reo_g": 1,
    },
    "stocks": {"plant": "p1", "product": "ore", "month": MAY, "moves": 1, "net_g": 1, "reo_g": 1},
    "element_flows": {
        "plant": "p1",
        "month": MAY,
        "kind": "made",
        "step": "mined",
        "element": "Nd",
        "moves": 1,
        "oxide_g": 1,
        "squares": 1,
    },
    "unfiled": {
        "message": 1,
        "index": 0,
        "plant": "p1",
        "month": "2024-05",
        "outcome": "refused",
        "rule": "late",
        "arrived_at": AT,
    },
    "told_reports": {"level": "plant", "code": "p1", "month": MAY, "revision": 1},
    "compared_months": {"month": MAY, "compared_at": AT},
    "restated_months": {"plant": "p1", "month": MAY},
    "outages": {"number": 1, "since": AT, "until": AT + dt.timedelta(hours=1), "what": "down"},
    "reports": {
        "level": "nation",
        "code": "nation",
        "month": dt.date(2024, 5, 1),
        "revision": 1,
        "judged_at": AT,
        "message": 0,
        "hash": bytes(32),
        "document": b"",
    },
    "told_topics": {"topic": "regulator-alerts", "topic_id": bytes(16)},
    "sources": {"plant": "p1", "gateway": "g1", "stream": "shipments", "incarnation": "i1"},
    "envelopes": {
        "message": 1,
        "source": 1,
        "sequence": 1,
        "hash": bytes(32),
        "arrived_at": AT,
        "outcome": "applied",
        "occupies": True,
        "vouched": True,
    },
    "events": {
        "message": 1,
        "index": 0,
        "plant": "p1",
        "event_id": UUID(int=1),
        "hash": bytes(32),
        "type": "shipment",
        "outcome": "applied",
        "effective": True,
        "test": False,
    },
    "draw_days": {
        "plant": "p1",
        "day": AT.date(),
        "kind": "separation",
        "basis": "output",
        "drawn_g": 1,
        "original_g": 1,
        "events": 1,
    },
    "alerts": {
        "alert": "a1",
        "rule": "cap-overrun",
        "subject": "h1",
        "period": "2024",
        "condition": "raised",
        "severity": "critical",
        "evidence": {},
        "raised_at": AT,
        "changed_at": AT,
        "revision": 1,
    },
    "handlings": {"alert": "a1", "handling": "acknowledged", "handled_by": "inspector", "handled_at": AT},
    "platform": {"only_row": True, "judged_at": AT},
}
"""A row of each table that has constraints, as the services write it."""

ALONE: list[tuple[str, str, Row]] = [
    ("registry_revisions_revision_check", "registry_revisions", {"revision": 0}),
    ("registry_revisions_digest_check", "registry_revisions", {"digest": bytes(31)}),
    ("registry_changes_revision_fkey", "registry_changes", {"revision": 2}),
    ("registry_change_changes", "registry_changes", {"before": {"name": "P1"}}),
    ("registry_change_changes", "registry_changes", {"before": None, "after": None}),
    ("following_only_row", "following", {"only_row": False}),
    ("doubt_noun", "doubts", {"noun": "plant"}),
    ("sweep_noun", "sweeps", {"noun": "licence"}),
    ("move_kind", "moves", {"kind": "eaten"}),
    ("move_mass", "moves", {"net_g": -1}),
    ("holding_kind", "holdings", {"kind": "eaten"}),
    ("stated_noun", "stated", {"noun": "lot"}),
    ("shipment_state", "shipments", {"state": "stolen"}),
    ("flow_month", "flows", {"month": MAY.replace(day=2)}),
    ("output_month", "outputs", {"month": MAY.replace(day=2)}),
    ("stock_month", "stocks", {"month": MAY.replace(day=2)}),
    ("element_flow_month", "element_flows", {"month": MAY.replace(day=2)}),
    ("unfiled_outcome", "unfiled", {"outcome": "duplicate"}),
    ("told_report_revision", "told_reports", {"revision": 0}),
    ("compared_month", "compared_months", {"month": MAY.replace(day=2)}),
    ("restated_month", "restated_months", {"month": MAY.replace(day=2)}),
    ("outage_order", "outages", {"until": AT}),
    ("outage_what", "outages", {"what": "watch was away"}),
    ("position_adds_up", "intake_positions", {"received": 4}),
    ("position_adds_up", "intake_positions", {"holes": 2}),
    ("position_adds_up", "intake_positions", {"lost": 0}),
    ("position_adds_up", "intake_positions", {"next_offset": 16}),
    ("position_counts", "intake_positions", {"received": -1, "holes": 5}),
    ("position_counts", "intake_positions", {"holes": -1, "lost": 3}),
    ("position_counts", "intake_positions", {"holes": 3, "lost": -1}),
    ("skipped_position", "skipped_days", {"log_generation": 2}),
    ("skipped_something", "skipped_days", {"holes": 0, "lost": 0}),
    ("skipped_something", "skipped_days", {"holes": -1, "lost": 2}),
    ("skipped_something", "skipped_days", {"holes": 2, "lost": -1}),
    ("report_level", "reports", {"level": "county"}),
    ("report_month", "reports", {"month": dt.date(2024, 5, 2)}),
    ("report_revision", "reports", {"revision": 0}),
    ("report_hash", "reports", {"hash": bytes(31)}),
    ("told_topic_id", "told_topics", {"topic_id": bytes(15)}),
    ("adopted_position", "adoptions", {"partition": 1}),
    ("adoption_reason", "adoptions", {"reason": "because"}),
    ("envelope_outcome", "envelopes", {"outcome": "lost", "rule": "unknown"}),
    ("envelope_standing_occupies", "envelopes", {"occupies": False}),
    ("envelope_occupant_is_vouched", "envelopes", {"vouched": False}),
    ("envelope_reason", "envelopes", {"rule": "seal-unknown"}),
    ("envelope_reason", "envelopes", {"outcome": "duplicate", "rule": "seal-unknown"}),
    ("envelope_reason", "envelopes", {"outcome": "refused"}),
    ("envelope_reason", "envelopes", {"outcome": "awaiting", "occupies": False}),
    ("event_outcome", "events", {"outcome": "lost", "effective": False}),
    ("event_effective_is_applied", "events", {"outcome": "refused"}),
    ("event_effective_is_applied", "events", {"outcome": "duplicate"}),
    ("event_amended_said_so", "events", {"amended_at": AT}),
    ("event_identified", "events", {"event_id": None}),
    ("event_identified", "events", {"event_id": None, "outcome": "duplicate", "effective": False}),
    ("draw_kind", "draw_days", {"kind": "smelting"}),
    ("draw_basis", "draw_days", {"basis": "guess"}),
    ("alert_condition", "alerts", {"condition": "resolved"}),
    ("handling_is_a_persons", "handlings", {"handling": "new"}),
    ("platform_only_row_check", "platform", {"only_row": False}),
]
"""Constraint, table, and what is wrong in one row."""

TWICE: list[tuple[str, str, Row]] = [
    ("ledger_coordinate", "ledger", {"message": 2}),
    ("source_identity", "sources", {}),
    ("envelopes_occupants", "envelopes", {"message": 2}),
    ("envelopes_occupants", "envelopes", {"message": 2, "outcome": "refused", "rule": "gross-below-net"}),
    ("events_applied", "events", {"message": 2}),
    ("events_applied", "events", {"index": 1, "plant": "p2", "effective": False}),
    ("alert_identity", "alerts", {"alert": "a2"}),
]
"""Constraint, table, and how a second row differs from the valid one that is there."""

BESIDE: list[tuple[str, Row]] = [
    ("ledger", {"message": 2, "log_offset": 1}),
    ("ledger", {"message": 2, "log_generation": 2}),
    ("sources", {"incarnation": "i2"}),
    ("envelopes", {"message": 2, "sequence": 2}),
    ("envelopes", {"message": 2, "outcome": "duplicate", "occupies": False}),
    ("events", {"index": 1, "outcome": "duplicate", "effective": False}),
    ("events", {"index": 1, "test": True}),
    ("events", {"index": 1, "event_id": None, "outcome": "refused", "effective": False}),
    ("alerts", {"alert": "a2", "period": "2025"}),
]
"""How a second row may differ: what the unique ones must let pass."""


async def put(connection: database.Connection, table: str, **changes: Any) -> None:
    row = VALID[table] | changes
    await connection.copy_records_to_table(table, records=[tuple(row.values())], columns=list(row))


async def prepare(connection: database.Connection, table: str) -> None:
    """What must be there before a row of this table."""
    if table == "registry_changes":
        await put(connection, "registry_revisions")
    if table in {"skipped_days", "adoptions"}:
        await put(connection, "intake_positions")
    if table in {"platform", "following"}:
        await connection.execute(f"TRUNCATE {table}")  # its one row comes with the migrations


async def without(connection: database.Connection, table: str, constraint: str) -> None:
    """Takes a constraint or a unique index away."""
    if await connection.fetchval("SELECT true FROM pg_constraint WHERE conname = $1", constraint):
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    else:
        await connection.execute(f"DROP INDEX {constraint}")


@pytest.mark.parametrize("table", VALID)
async def test_a_valid_row_is_let_in(connection: database.Connection, table: str) -> None:
    await prepare(connection, table)
    await put(connection, table)


@pytest.mark.parametrize(("constraint", "table", "wrong"), ALONE)
async def test_a_wrong_row_is_refused_by_the_constraint_for_it_and_by_no_other(
    connection: database.Connection, constraint: str, table: str, wrong: Row
) -> None:
    await prepare(connection, table)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        async with connection.transaction():
            await put(connection, table, **wrong)
    assert refused.value.constraint_name == constraint
    await without(connection, table, constraint)
    await put(connection, table, **wrong)


@pytest.mark.parametrize(("constraint", "table", "changes"), TWICE)
async def test_a_second_row_is_refused_by_the_constraint_for_it_and_by_no_other(
    connection: database.Connection, constraint: str, table: str, changes: Row
) -> None:
    await put(connection, table)
    with pytest.raises(asyncpg.UniqueViolationError) as refused:
        async with connection.transaction():
            await put(connection, table, **changes)
    assert refused.value.constraint_name == constraint
    await without(connection, table, constraint)
    await put(connection, table, **changes)


@pytest.mark.parametrize(("table", "changes"), BESIDE)
async def test_a_second_row_that_differs_where_it_counts_is_let_in(
    connection: database.Connection, table: str, changes: Row
) -> None:
    await put(connection, table)
    await put(connection, table, **changes)


async def test_a_change_is_held_to_the_constraints_as_a_new_row_is(connection: database.Connection) -> None:
    await put(connection, "intake_positions")
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await connection.execute("UPDATE intake_positions SET next_offset = next_offset + 1")
    assert refused.value.constraint_name == "position_adds_up"


async def constraints(connection: database.Connection) -> set[str]:
    """Every constraint and unique index but primary keys, as the catalog tells them."""
    rows = await connection.fetch(sql.statement("catalog", "constraints"))
    indexes = await connection.fetch(sql.statement("catalog", "indexes"))
    return {row["name"] for row in rows if row["kind"] != "p"} | {row["name"] for row in indexes if row["is_unique"]}


def cases() -> set[str]:
    return {constraint for constraint, _, _ in ALONE + TWICE}


async def test_every_constraint_has_a_case_that_it_refuses(connection: database.Connection) -> None:
    assert await constraints(connection) == cases()


async def test_what_rules_may_say_is_what_the_constraints_let_in(connection: database.Connection) -> None:
    kinds, states = set(KINDS), {state.value for state in State}
    for constraint, wanted in (("move_kind", kinds), ("holding_kind", kinds), ("shipment_state", states)):
        text = await connection.fetchval(DEFINITION, constraint)
        assert set(re.findall(r"'([^']+)'::text", text)) == wanted


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("ALTER TABLE lots ADD CONSTRAINT lot_weighs CHECK (net_g > 0)", "lot_weighs"),
        ("ALTER TABLE lots ADD CONSTRAINT lot_once UNIQUE (lot)", "lot_once"),
        ("ALTER TABLE lots ADD CONSTRAINT lot_said FOREIGN KEY (message) REFERENCES ledger", "lot_said"),
        ("CREATE UNIQUE INDEX lots_made ON lots (lot) WHERE net_g > 0", "lots_made"),
    ],
)
async def test_a_new_constraint_without_a_case_is_noticed(
    connection: database.Connection, change: str, name: str
) -> None:
    await connection.execute(change)
    assert await constraints(connection) - cases() == {name}
