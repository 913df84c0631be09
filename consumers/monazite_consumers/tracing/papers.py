"""Reads what documents lots: who made them by which statement, their shipments, customs declarations and licences."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from monazite_consumers import register
from monazite_consumers.database import Connection
from monazite_consumers.decisions.current import read_current
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.exports import shown_as
from monazite_consumers.rules.moves import MAKING
from monazite_consumers.sql import statement
from monazite_contracts import statements as st
from monazite_contracts.months import day_of

ENVELOPES: Final = 100
"""Whose bytes are in hand at a time; one may have a megabyte."""

_WITH_PAPERS: Final = frozenset({"imported", "taken_in"})
"""Makers whose statement names a paper of the outside world."""


class Made(NamedTuple):
    """A statement that brought a lot into being. `enterprise`: who ran the plant on that day, by its name.

    `paper`: what it names: a customs declaration, a supplier of scrap.
    """

    plant: str
    enterprise: str | None
    kind: str
    step: str
    at: datetime
    event_id: str | None
    paper: str | None


class Carried(NamedTuple):
    """A shipment that a lot went with, how many grams of it, and the numbers of its papers."""

    shipment: str
    waybill: str
    consignor: str
    consignee: str
    state: str
    due_at: datetime | None
    sent_g: int
    accepted_g: int
    at: datetime
    export_declaration: str | None
    export_licence: str | None
    invoice: str | None


class Link(NamedTuple):
    """How much of a lot went into another; REO where it is known of all of it."""

    lot: str
    into_lot: str
    net_g: int
    reo_g: int | None


@dataclass(frozen=True)
class Papers:
    """What documents a lot."""

    made: Sequence[Made] = ()
    carried: Sequence[Carried] = ()


async def papers(connection: Connection, lots: Collection[str]) -> dict[str, Papers]:
    """What documents each of these lots; of a lot that nobody has made or sent there is none."""
    makers = await connection.fetch(statement("tracing", "makers"), list(lots), list(MAKING))
    named = await _named(connection, {_place(row) for row in makers if row["kind"] in _WITH_PAPERS})
    registry = await register.load(connection)
    made: dict[str, list[Made]] = {}
    for row in makers:
        operator = registry.operator(row["plant"], day_of(row["at"]))
        enterprise = registry.enterprises.get(operator) if operator is not None else None
        made.setdefault(row["lot"], []).append(
            Made(
                row["plant"], enterprise.name if enterprise else operator, row["kind"], row["step"], row["at"],
                row["event_id"] and str(row["event_id"]), named.get(_place(row)),
            )
        )  # fmt: skip
    carried: dict[str, list[Carried]] = {}
    for row in await connection.fetch(statement("tracing", "waybills"), list(lots)):
        carried.setdefault(row["lot"], []).append(_carried(row))
    return {lot: Papers(made.get(lot, ()), carried.get(lot, ())) for lot in {*made, *carried}}


async def links(connection: Connection, lots: Collection[str]) -> list[Link]:
    """How much of each of these lots went into which others of them."""
    return [Link(*row) for row in await connection.fetch(statement("tracing", "links"), list(lots))]


def _place(row: Any) -> tuple[int, int]:
    return row["message"], row["index"]


def _carried(row: Any) -> Carried:
    export, invoice = row["export"] or {}, row["invoice"] or {}
    said = {name: row[name] for name in Carried._fields[:-3]}
    products = [line["product"] for line in row["lines"]]
    said |= {name: shown_as(said[name], products) for name in ("shipment", "consignor", "consignee")}
    return Carried._make([*said.values(), export.get("declaration"), export.get("licence"), invoice.get("number")])


async def _named(connection: Connection, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
    named: dict[tuple[int, int], str] = {}
    wanted = sorted(places)
    for start in range(0, len(wanted), ENVELOPES):
        some = transposed(wanted[start : start + ENVELOPES], 2)
        rows = await connection.fetch(statement("following", "at_places"), *some)
        for now in await read_current(connection, rows):
            said = now.said
            if isinstance(said, st.Import):
                named[now.place] = f"{said.declaration} ({said.country_of_origin}, {said.exporter})"
            elif isinstance(said, st.ScrapIntake):
                named[now.place] = said.supplier
    return named
