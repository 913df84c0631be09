"""Judges lots anew: what they are, whether their chains end lawfully, and who gave away more than there was."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.doubting import doubt
from monazite_consumers.decisions.lot_dealings import Known, read_stated
from monazite_consumers.decisions.lot_findings import notice_lots
from monazite_consumers.decisions.moving import Moving, write
from monazite_consumers.decisions.noticing import Noticed, state
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.beginnings import Link, Origin, broken_since
from monazite_consumers.rules.custody import (
    LotState,
    Maker,
    Parent,
    changed,
    in_circle,
    is_suspect,
    judge_lot,
)
from monazite_consumers.rules.move_rows import MoveRow
from monazite_consumers.rules.moves import KINDS, MAKING, is_output, own
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.tracing import in_circles
from monazite_consumers.sql import statement

LOTS: Final = 500
"""That one portion judges."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What lots were found to be, and were before; what is noticed about them."""

    states: Mapping[str, LotState]
    before: Mapping[str, LotState]
    noticed: Sequence[Noticed]


async def judge_lots(connection: Connection, registry: Registry, lots: Sequence[str], changes: Changes) -> None:
    """Judges lots and keeps what comes of it, in the caller's transaction."""
    examined = await examine_lots(connection, registry, lots)
    states, before = examined.states, examined.before
    moved = [lot for lot, now in states.items() if changed(before.get(lot), now)]
    forgotten = [lot for lot in lots if lot not in states and lot in before]
    if moved:
        await connection.execute(
            statement("custody", "put_states"), *transposed([tuple(states[lot]) for lot in moved], 12)
        )
    if forgotten:
        await connection.execute(statement("custody", "forget_states"), forgotten)
    await _fill(connection, states, set(moved))
    if moved or forgotten:
        children = await connection.fetch(statement("moves", "children"), [*moved, *forgotten])
        await doubt(connection, (("lot", row["into_lot"]) for row in children))
    await state(connection, "lot", lots, examined.noticed, changes)


async def examine_lots(connection: Connection, registry: Registry, lots: Sequence[str]) -> Examined:
    """How lots are judged; writes nothing."""
    known = await _read(connection, lots)
    states = {
        lot: judge_lot(lot, known.makers.get(lot, ()), known.parents.get(lot, ()), registry.listed)
        for lot in lots
        if lot in known.held
    }
    suspects = [
        lot for lot, now in states.items() if is_suspect(known.before.get(lot), now, known.parents.get(lot, ()))
    ]
    if suspects:
        rows = await connection.fetch(statement("moves", "ancestry"), suspects)
        circled = in_circles(suspects, {row["into_lot"]: row["lots"] for row in rows})
        states |= {lot: in_circle(states[lot]) for lot in circled & states.keys()}
    origins = await _origins(connection, [lot for lot, now in states.items() if now.broken])
    for lot, origin in origins.items():
        states[lot] = states[lot]._replace(broken_since=broken_since(states[lot], origin, registry.listed))
    known = replace(known, origins=origins)
    return Examined(states, known.before, await notice_lots(connection, registry, states, known))


async def _origins(connection: Connection, lots: Sequence[str]) -> dict[str, Origin]:
    """Of lots whose chains are broken, where they were ever said to come from."""
    stated = await read_stated(connection, lots)
    links: dict[str, list[Link]] = defaultdict(list)
    for row in await connection.fetch(statement("moves", "links"), lots) if lots else ():
        links[row["lot"]].append(Link(*list(row.values())[1:]))
    return {lot: Origin([each for each in stated[lot] if KINDS[each.kind].makes], links[lot]) for lot in lots}


async def _fill(connection: Connection, states: Mapping[str, LotState], moved: set[str]) -> None:
    """What moves do not say themselves, their lot says: product, origin of the feed, REO by its assay."""
    moving, rows, labels = Moving(), [], await read_labels(connection, states)
    for found in await connection.fetch(statement("moves", "of_lots"), *asked_of(states, moved)):
        row = MoveRow(*found.values())
        full = filled(row, states[row.lot], labels)
        if full != row:
            moving.flow(row, -1)
            moving.flow(full, 1)
            rows.append((*full[:3], full.product, full.origin, full.reo_g, full.oxides, full.feed, full.lawful))
    if rows:
        await connection.execute(statement("moves", "fill"), *transposed(rows, 9))
        await write(connection, moving)


def asked_of(states: Mapping[str, LotState], moved: Collection[str]) -> list[list[Any]]:
    """What is asked of moves: those of lots that say otherwise, and all of those lots that are not what they were."""
    return transposed([(lot, lot in moved, now.feed, now.broken is None) for lot, now in states.items()], 4)


Labels = Mapping[tuple[str, str | None], str]
"""What waybills call lots of which nobody has said what they are: by lot and shipment, and by lot alone."""


async def read_labels(connection: Connection, states: Mapping[str, LotState]) -> Labels:
    """Of those of these lots whose product nobody has stated."""
    unknown = [lot for lot, now in states.items() if now.product is None]
    rows = await connection.fetch(statement("moves", "waybills"), unknown) if unknown else ()
    return {(row["lot"], row["shipment"]): row["product"] for row in rows}


def filled(row: MoveRow, now: LotState, labels: Labels) -> MoveRow:
    """A move with what its lot says of it; what the lot is, if nobody says so, by its waybill."""
    says = own(row.kind, row.step)
    is_made = is_output(row.kind, row.step)
    label = labels.get((row.lot, row.shipment), labels.get((row.lot, None)))
    return row._replace(
        product=row.product if says.product else now.product or row.label or label,
        origin=row.origin if says.origin else now.origin,
        reo_g=row.reo_g if says.reo else now.reo_of(row.net_g),
        oxides=row.oxides if says.reo else now.oxides_of(row.net_g),
        feed=now.feed if is_made else None,
        lawful=now.broken is None if is_made else None,
    )


async def _read(connection: Connection, lots: Sequence[str]) -> Known:
    makers: dict[str, list[Maker]] = defaultdict(list)
    for row in await connection.fetch(statement("moves", "makers"), lots, list(MAKING)):
        makers[row["lot"]].append(Maker(*list(row.values())[1:]))
    parents: dict[str, list[Parent]] = defaultdict(list)
    for row in await connection.fetch(statement("moves", "parents"), lots):
        parents[row["lot"]].append(Parent(*list(row.values())[1:]))
    held: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for row in await connection.fetch(statement("moves", "holdings"), lots):
        held[row["lot"]].append((row["plant"], row["kind"], row["net_g"]))
    stored = await connection.fetch(statement("custody", "states"), lots)
    return Known(makers, parents, held, {row["lot"]: LotState(*row.values()) for row in stored}, origins={})
