"""What is noticed about lots: dealings that cannot be, chains that do not end lawfully, contradictions."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from monazite_consumers.database import Connection
from monazite_consumers.decisions.lot_dealings import Known, notice_dealings
from monazite_consumers.decisions.noticing import Noticed
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.beginnings import unlawful_since
from monazite_consumers.rules.contradictions import Allowance, SplitUp, blended_otherwise, split_otherwise
from monazite_consumers.rules.custody import ORES, LotState, Maker, Parent
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.months import month_of


async def notice_lots(
    connection: Connection, registry: Registry, states: Mapping[str, LotState], known: Known
) -> list[Noticed]:
    """Everything, in no order."""
    noticed = await notice_dealings(connection, registry, states, known)
    noticed += await _split(connection, registry, states, known)
    noticed += await _ore_as_scrap(connection, states)
    noticed += await _mislabelled(connection, states)
    for lot, now in states.items():
        if makers := known.makers.get(lot, ()):
            noticed += _of_chain(now, known, registry)
            noticed += _of_content(now, makers, known.parents.get(lot, ()), registry)
    return noticed


async def _split(
    connection: Connection, registry: Registry, states: Mapping[str, LotState], known: Known
) -> list[Noticed]:
    """Each split by itself: what else was done with the lot, or made under its number, says nothing of it."""
    uneven = [lot for lot in states if any(kind == "left_over" for _, kind, _ in known.held[lot])]
    splits: dict[str, list[SplitUp]] = defaultdict(list)
    for row in await connection.fetch(statement("moves", "splits"), uneven) if uneven else ():
        splits[row["lot"]].append(SplitUp(*list(row.values())[1:]))
    return [
        Noticed(
            lot, "split-differs", plant, month_of(split.at), split.arrived_at, abs(split.left_g),
            {"lot": lot, "used_g": split.split_g, "left_over_g": split.left_g},
        )
        for lot, of_lot in splits.items()
        for plant, split in split_otherwise(of_lot, registry.mass_tolerance_ppm(states[lot].product)).items()
    ]  # fmt: skip


async def _ore_as_scrap(connection: Connection, states: Mapping[str, LotState]) -> list[Noticed]:
    """Whatever the input line calls it: what the lot's own statement says it is."""
    ores = [lot for lot, now in states.items() if now.product in ORES]
    if not ores:
        return []
    return [
        Noticed(
            row["lot"], "recycler-fed-ore", row["plant"], month_of(row["at"]), row["arrived_at"], row["net_g"],
            {"lot": row["lot"], "product": states[row["lot"]].product, "used_g": row["net_g"]},
        )
        for row in await connection.fetch(statement("moves", "recovered"), ores, list(ORES))
    ]  # fmt: skip


async def _mislabelled(connection: Connection, states: Mapping[str, LotState]) -> list[Noticed]:
    """Who may take, use or export a lot is judged by what the line calls it: it must be what the lot is."""
    known = [(lot, now.product) for lot, now in states.items() if now.product is not None]
    return [
        Noticed(
            row["lot"], "lot-mislabelled", row["plant"], month_of(row["at"]), row["arrived_at"], row["net_g"],
            {"lot": row["lot"], "product": states[row["lot"]].product, "named": sorted(row["labels"])},
        )
        for row in await connection.fetch(statement("moves", "labelled"), *transposed(known, 2))
    ]  # fmt: skip


def _of_chain(now: LotState, known: Known, registry: Registry) -> Iterator[Noticed]:
    if now.broken is None:
        return
    first = known.makers[now.lot][0]
    broken = sorted({parent.lot for parent in known.parents.get(now.lot, ()) if not parent.known or parent.broken})
    detail = {"lot": now.lot, "why": now.broken, "parents": broken[:10]}
    since = unlawful_since(now, known.origins[now.lot], registry.listed)
    yield Noticed(now.lot, "origin-unlawful", first.plant, month_of(first.at), since, now.net_g, detail)


def _of_content(
    now: LotState, makers: Sequence[Maker], parents: Sequence[Parent], registry: Registry
) -> Iterator[Noticed]:
    """A lot that was made twice is told of as such: what went into which of them, nobody can say."""
    first, mass_ppm = makers[0], registry.mass_tolerance_ppm(now.product)
    dated = first.plant, month_of(first.at), first.arrived_at
    if first.kind == "taken_in" and first.product in ORES:
        yield Noticed(now.lot, "ore-as-scrap", *dated, now.net_g, {"lot": now.lot, "product": first.product})
    if first.step == "blended" and len(makers) == 1:
        allowed = Allowance(mass_ppm, registry.settings.assay_uncertainty_ppm)
        if (detail := blended_otherwise(now, parents, allowed)) is not None:
            measure = abs(detail["made_g"] - detail["used_g"])
            yield Noticed(now.lot, "blend-differs", *dated, measure, detail)
