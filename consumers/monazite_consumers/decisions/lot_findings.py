"""What is noticed about lots: dealings that cannot be, chains that do not end lawfully, contradictions."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.noticing import Noticed
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.contradictions import (
    ORES,
    Allowance,
    Span,
    blended_otherwise,
    not_recycled_g,
    split_otherwise,
    used_early,
)
from monazite_consumers.rules.custody import LotState, Maker, Parent, shortfalls
from monazite_consumers.rules.moves import KINDS
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.months import day_of

_OUT: Final = [kind.name for kind in KINDS.values() if kind.sign < 0]
_HANDLED: Final = [kind.name for kind in KINDS.values() if kind.sign and not kind.makes]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a portion's lots."""

    makers: Mapping[str, Sequence[Maker]]
    parents: Mapping[str, Sequence[Parent]]
    held: Mapping[str, Sequence[tuple[str, str, int]]]
    before: Mapping[str, LotState]


async def notice_lots(
    connection: Connection, registry: Registry, states: Mapping[str, LotState], known: Known
) -> list[Noticed]:
    """Everything, in no order."""
    noticed = await _dealings(connection, registry, states, known)
    noticed += await _ore_as_scrap(connection, states)
    noticed += await _mislabelled(connection, states)
    for lot, now in states.items():
        makers, parents = known.makers.get(lot, ()), known.parents.get(lot, ())
        if makers:
            noticed += _of_chain(now, makers[0], parents)
            noticed += _of_content(now, makers, parents, registry)
    return noticed


@dataclass(frozen=True, slots=True)
class _Dealing:
    """Something that a plant did with a lot, which is dated by the latest of such moves."""

    lot: str
    plant: str
    rule: str
    measure: int
    detail: Mapping[str, Any]


async def _dealings(
    connection: Connection, registry: Registry, states: Mapping[str, LotState], known: Known
) -> list[Noticed]:
    out = [each for lot in states for each in _short(lot, states[lot], known.held[lot], registry)]
    out += [each for lot in states for each in _split(lot, states[lot], known.held[lot], registry)]
    out += await _early(connection, list(states))
    handled = [each for lot in states if not known.makers.get(lot) for each in _unreported(lot, known.held[lot])]
    return [*await _dated(connection, out, _OUT), *await _dated(connection, handled, _HANDLED)]


async def _dated(connection: Connection, dealings: Sequence[_Dealing], kinds: list[str]) -> list[Noticed]:
    if not dealings:
        return []
    pairs = sorted({(each.lot, each.plant) for each in dealings})
    rows = await connection.fetch(statement("moves", "latest"), *transposed(pairs, 2), kinds)
    latest = {(row["lot"], row["plant"]): (row["at"], row["arrived_at"]) for row in rows}
    found = []
    for each in dealings:
        at, arrived_at = latest[each.lot, each.plant]
        found.append(Noticed(each.lot, each.rule, each.plant, _period(at), arrived_at, each.measure, each.detail))
    return found


def _period(at: datetime) -> str:
    return f"{day_of(at):%Y-%m}"


def _short(lot: str, now: LotState, held: Sequence[tuple[str, str, int]], registry: Registry) -> Iterator[_Dealing]:
    refused = {plant: net_g for plant, kind, net_g in held if kind == "refused"}
    for short in shortfalls(held, registry.mass_tolerance_ppm(now.product)):
        detail: dict[str, Any] = {"lot": lot, "in_g": short.in_g, "out_g": short.out_g}
        rule = "lot-overdrawn"
        if short.plant in refused:
            rule, detail = "lot-refused", detail | {"refused_g": refused[short.plant]}
        yield _Dealing(lot, short.plant, rule, short.out_g - short.in_g, detail)


def _split(lot: str, now: LotState, held: Sequence[tuple[str, str, int]], registry: Registry) -> Iterator[_Dealing]:
    for plant, split_g, rest_g in split_otherwise(held, registry.mass_tolerance_ppm(now.product)):
        detail = {"lot": lot, "used_g": split_g, "left_over_g": rest_g}
        yield _Dealing(lot, plant, "split-differs", abs(rest_g), detail)


async def _early(connection: Connection, lots: Sequence[str]) -> list[_Dealing]:
    spans: dict[str, list[Span]] = defaultdict(list)
    for row in await connection.fetch(statement("moves", "firsts"), lots):
        spans[row["lot"]].append(Span(*list(row.values())[1:]))
    return [
        _Dealing(lot, plant, "lot-used-early", 1, {"lot": lot, "had_from": had.isoformat(), "used_at": at.isoformat()})
        for lot, of_lot in spans.items()
        for plant, had, at in used_early(of_lot)
    ]


def _unreported(lot: str, held: Sequence[tuple[str, str, int]]) -> Iterator[_Dealing]:
    for plant in sorted({plant for plant, kind, _ in held if kind in _HANDLED}):
        rule = "lot-unreported" if lot.partition("/")[0] == plant else "lot-unreported-elsewhere"
        yield _Dealing(lot, plant, rule, 1, {"lot": lot})


async def _ore_as_scrap(connection: Connection, states: Mapping[str, LotState]) -> list[Noticed]:
    """Whatever the input line calls it: what the lot's own statement says it is."""
    ores = [lot for lot, now in states.items() if now.product in ORES]
    if not ores:
        return []
    return [
        Noticed(
            row["lot"], "recycler-fed-ore", row["plant"], _period(row["at"]), row["arrived_at"], row["net_g"],
            {"lot": row["lot"], "product": states[row["lot"]].product, "used_g": row["net_g"]},
        )
        for row in await connection.fetch(statement("moves", "recovered"), ores, list(ORES))
    ]  # fmt: skip


async def _mislabelled(connection: Connection, states: Mapping[str, LotState]) -> list[Noticed]:
    """Who may take, use or export a lot is judged by what the line calls it: it must be what the lot is."""
    known = [(lot, now.product) for lot, now in states.items() if now.product is not None]
    return [
        Noticed(
            row["lot"], "lot-mislabelled", row["plant"], _period(row["at"]), row["arrived_at"], row["net_g"],
            {"lot": row["lot"], "product": states[row["lot"]].product, "named": sorted(row["labels"])},
        )
        for row in await connection.fetch(statement("moves", "labelled"), *transposed(known, 2))
    ]  # fmt: skip


def _of_chain(now: LotState, first: Maker, parents: Sequence[Parent]) -> Iterator[Noticed]:
    if now.broken is None:
        return
    broken = sorted({parent.lot for parent in parents if not parent.known or parent.broken})
    detail = {"lot": now.lot, "why": now.broken, "parents": broken[:10]}
    yield Noticed(now.lot, "origin-unlawful", first.plant, _period(first.at), first.arrived_at, now.net_g, detail)


def _of_content(
    now: LotState, makers: Sequence[Maker], parents: Sequence[Parent], registry: Registry
) -> Iterator[Noticed]:
    """A lot that was made twice is told of as such: what went into which of them, nobody can say."""
    first, mass_ppm = makers[0], registry.mass_tolerance_ppm(now.product)
    dated = first.plant, _period(first.at), first.arrived_at
    if first.kind == "taken_in" and first.product in ORES:
        yield Noticed(now.lot, "ore-as-scrap", *dated, now.net_g, {"lot": now.lot, "product": first.product})
    if first.step == "blended" and len(makers) == 1:
        allowed = Allowance(mass_ppm, registry.settings.assay_uncertainty_ppm)
        if (detail := blended_otherwise(now, parents, allowed)) is not None:
            measure = abs(detail["made_g"] - detail["used_g"])
            yield Noticed(now.lot, "blend-differs", *dated, measure, detail)
    if other_g := not_recycled_g(first, parents, mass_ppm):
        yield Noticed(now.lot, "recycled-differs", *dated, other_g, {"lot": now.lot, "feed": now.feed})
