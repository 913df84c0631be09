"""What plants did with lots that cannot be: absences, each from when it began in the order of arrival."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.noticing import Noticed
from monazite_consumers.rules import beginnings
from monazite_consumers.rules.contradictions import Span, not_recycled_g, used_early
from monazite_consumers.rules.custody import LotState, Maker, Parent, shortfalls
from monazite_consumers.rules.move_rows import Stated
from monazite_consumers.rules.moves import KINDS
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.months import month_of

_HANDLED: Final = {kind.name for kind in KINDS.values() if kind.sign and not kind.makes}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a portion's lots. `origins`: of those whose chains are broken."""

    makers: Mapping[str, Sequence[Maker]]
    parents: Mapping[str, Sequence[Parent]]
    held: Mapping[str, Sequence[tuple[str, str, int]]]
    before: Mapping[str, LotState]
    origins: Mapping[str, beginnings.Origin]


@dataclass(frozen=True, slots=True)
class _Lot:
    """One lot that something was done with that cannot be. `stated`: everything that was ever done with it."""

    now: LotState
    held: Sequence[tuple[str, str, int]]
    stated: Sequence[Stated]
    tolerance_ppm: int


async def read_stated(connection: Connection, lots: Collection[str]) -> Mapping[str, Sequence[Stated]]:
    """What was ever done with lots, for as long as it was stated."""
    stated: dict[str, list[Stated]] = defaultdict(list)
    for row in await connection.fetch(statement("moves", "stated"), list(lots)) if lots else ():
        stated[row["lot"]].append(Stated(*row.values()))
    return stated


async def notice_dealings(
    connection: Connection, registry: Registry, states: Mapping[str, LotState], known: Known
) -> list[Noticed]:
    """Everything, in no order."""
    tolerances = {lot: registry.mass_tolerance_ppm(now.product) for lot, now in states.items()}
    unmade = {lot for lot in states if not known.makers.get(lot)}
    short = {lot for lot in states if shortfalls(known.held[lot], tolerances[lot])}
    early = await _early(connection, list(states))
    other_g = {lot: _not_recycled_g(lot, known, tolerances[lot]) for lot in states.keys() - unmade}
    recycled = {lot for lot, mass_g in other_g.items() if mass_g}
    named = {*unmade, *short, *early, *recycled}
    stated = await read_stated(connection, named)
    # Of a lot that somebody only ever refused nothing is stated.
    asked = {lot: _Lot(states[lot], known.held[lot], stated.get(lot, ()), tolerances[lot]) for lot in named}
    noticed = [each for lot in short for each in _short(asked[lot])]
    noticed += [each for lot in unmade for each in _unreported(asked[lot])]
    noticed += [each for lot, plants in early.items() for each in _used_early(asked[lot], plants)]
    noticed += [_recycled(asked[lot], known.makers[lot][0], other_g[lot]) for lot in recycled]
    return noticed


def _short(lot: _Lot) -> Iterator[Noticed]:
    refused = {plant: net_g for plant, kind, net_g in lot.held if kind == "refused"}
    for short in shortfalls(lot.held, lot.tolerance_ppm):
        detail: dict[str, Any] = {"lot": lot.now.lot, "in_g": short.in_g, "out_g": short.out_g}
        rule = "lot-overdrawn"
        if short.plant in refused:
            rule, detail = "lot-refused", detail | {"refused_g": refused[short.plant]}
        at = beginnings.short_at(lot.stated, short.plant, lot.tolerance_ppm)
        since = beginnings.short_since(lot.stated, short.plant, lot.tolerance_ppm)
        yield Noticed(lot.now.lot, rule, short.plant, month_of(at), since, short.out_g - short.in_g, detail)


def _unreported(lot: _Lot) -> Iterator[Noticed]:
    number = lot.now.lot
    for plant in sorted({plant for plant, kind, _ in lot.held if kind in _HANDLED}):
        rule = "lot-unreported" if number.partition("/")[0] == plant else "lot-unreported-elsewhere"
        at = beginnings.unreported_at(lot.stated, plant)
        since = beginnings.unreported_since(lot.stated, plant)
        yield Noticed(number, rule, plant, month_of(at), since, 1, {"lot": number})


async def _early(connection: Connection, lots: Sequence[str]) -> dict[str, list[tuple[str, datetime, datetime]]]:
    spans: dict[str, list[Span]] = defaultdict(list)
    for row in await connection.fetch(statement("moves", "firsts"), lots):
        spans[row["lot"]].append(Span(*list(row.values())[1:]))
    found = {lot: used_early(of_lot) for lot, of_lot in spans.items()}
    return {lot: plants for lot, plants in found.items() if plants}


def _used_early(lot: _Lot, plants: Sequence[tuple[str, datetime, datetime]]) -> Iterator[Noticed]:
    for plant, had, at in plants:
        detail = {"lot": lot.now.lot, "had_from": had.isoformat(), "used_at": at.isoformat()}
        since = beginnings.early_since(lot.stated, plant, had, at)
        yield Noticed(lot.now.lot, "lot-used-early", plant, month_of(at), since, 1, detail)


def _not_recycled_g(lot: str, known: Known, tolerance_ppm: int) -> int:
    return not_recycled_g(known.makers[lot][0], known.parents.get(lot, ()), tolerance_ppm)


def _recycled(lot: _Lot, first: Maker, other_g: int) -> Noticed:
    detail = {"lot": lot.now.lot, "feed": lot.now.feed}
    since = beginnings.recycled_since(lot.stated)
    return Noticed(lot.now.lot, "recycled-differs", first.plant, month_of(first.at), since, other_g, detail)
