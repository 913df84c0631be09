"""Judges shipments anew: how each stands, who must act next, what is wrong, and what is its consignor's again."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes, Place
from monazite_consumers.decisions.doubting import doubt
from monazite_consumers.decisions.moving import Moving, write
from monazite_consumers.decisions.noticing import Noticed, state
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.keys import is_outside, read_shipment_key
from monazite_consumers.rules.move_rows import MoveRow
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.shipments import Shipment, judge_shipment, returned
from monazite_consumers.rules.waybills import Back, Beyond, Said, Word
from monazite_consumers.sql import statement
from monazite_contracts import statements as st
from monazite_contracts.months import month_of

SHIPMENTS: Final = 200
"""That one portion judges."""

STATEMENTS_MAX: Final = 100
"""About one shipment: more than so many say the same waybill number, and the first of them decide."""

FIRST_LINE: Final = 1_000
"""Of what a judgement adds to the lines of a statement, which has at most some hundreds."""

_MODELS: Final[dict[str, Any]] = {cls.__name__: cls for cls in (st.Dispatched, st.Received, st.DestinationChanged)}


async def judge_shipments(connection: Connection, registry: Registry, keys: Sequence[str], changes: Changes) -> None:
    """Judges shipments and keeps what comes of it, in the caller's transaction."""
    shipments, noticed = await examine_shipments(connection, registry, keys)
    coming_back = await connection.fetch(statement("shipments", "coming_back"), keys)
    rows = [row_of(shipment) for shipment in shipments.values()]
    if rows:
        await connection.execute(statement("shipments", "put"), *transposed(rows, 10))
    if gone := [key for key in keys if key not in shipments]:
        await connection.execute(statement("shipments", "forget"), gone)
    if any(is_outside(shipment.consignee) for shipment in shipments.values()):
        coming_back += await connection.fetch(statement("shipments", "coming_back"), keys)
    await doubt(connection, (("shipment", row["shipment"]) for row in coming_back))
    await _return(connection, keys, shipments)
    await state(connection, "shipment", keys, noticed, changes)


async def examine_shipments(
    connection: Connection, registry: Registry, keys: Sequence[str]
) -> tuple[Mapping[str, Shipment], Sequence[Noticed]]:
    """How shipments stand, and what is noticed about them; writes nothing."""
    said: dict[str, list[Said[Any]]] = defaultdict(list)
    rows = await connection.fetch(statement("following", "stated"), "shipment", keys, STATEMENTS_MAX)
    since = await _redirected(connection, {row["key"] for row in rows if row["type"] == st.DestinationChanged.__name__})
    for row in rows:
        arrived_at = since.get((row["message"], row["index"]), row["arrived_at"])
        stated = _MODELS[row["type"]].model_validate_json(orjson.dumps(row["data"]))
        said[row["key"]].append(Said(row["plant"], stated, arrived_at))
    back, past = await _came_back(connection, said), await _past(connection, said)
    judged = {
        key: judge_shipment(key, said[key], registry, Beyond(back.get(key, ()), past.get(key, ())))
        for key in keys
        if key in said
    }
    noticed = [
        Noticed(key, note.rule, note.subject, month_of(note.on), note.at, note.measure, note.detail)
        for key, (_, notes) in judged.items()
        for note in notes
    ]
    return {key: shipment for key, (shipment, _) in judged.items()}, noticed


async def _came_back(connection: Connection, keys: Iterable[str]) -> dict[str, list[Back]]:
    """What may have come back from customers outside the register."""
    parties = [(key, party) for key in keys if is_outside(party := read_shipment_key(key)[0])]
    found: dict[str, list[Back]] = defaultdict(list)
    for row in await connection.fetch(statement("shipments", "came_back"), *transposed(parties, 2)) if parties else ():
        found[row["key"]].append(Back(row["sent_g"], row["back_g"]))
    return found


async def _redirected(connection: Connection, keys: Collection[str]) -> dict[Place, datetime]:
    """Since when changes of destination have been stated: a correction is not a later one."""
    rows = await connection.fetch(statement("shipments", "redirected"), list(keys)) if keys else ()
    return {(row["message"], row["index"]): row["since"] for row in rows}


async def _past(connection: Connection, keys: Iterable[str]) -> dict[str, list[Word]]:
    """What was said of both sides until it was amended."""
    found: dict[str, list[Word]] = defaultdict(list)
    for row in await connection.fetch(statement("shipments", "past"), list(keys)):
        found[row["shipment"]].append(Word(*list(row.values())[1:]))
    return found


def row_of(shipment: Shipment) -> tuple[Any, ...]:
    """A shipment as it is stored."""
    lines = orjson.dumps([line._asdict() for line in shipment.lines]).decode()  # a list would be taken for rows
    return (*shipment[:-1], lines)


async def _return(connection: Connection, keys: Sequence[str], shipments: Mapping[str, Shipment]) -> None:
    """What is the consignor's again, in place of what was."""
    rows = await returning(connection, shipments)
    now = {key: {(row.message, row.index, row.lot, row.net_g) for row in of_key} for key, of_key in rows.items()}
    before: dict[str, set[tuple[int, int, str, int]]] = defaultdict(set)
    for row in await connection.fetch(statement("shipments", "returned"), list(keys)):
        before[row["shipment"]].add((row["message"], row["index"], row["lot"], row["net_g"]))
    changed = [key for key in {*now, *before} if now.get(key, set()) != before.get(key, set())]
    if not changed:
        return
    moving = Moving()
    for row in await connection.fetch(statement("moves", "unreturn"), changed):
        moving.unpost(MoveRow(*row.values()))
    for key in sorted(changed):
        for given_back in rows.get(key, ()):
            moving.post(given_back)
    await write(connection, moving)


async def returning(connection: Connection, shipments: Mapping[str, Shipment]) -> dict[str, list[MoveRow]]:
    """What is the consignors' again; it hangs on the first receipt of the consignee. Writes nothing."""
    wanted = {key: lots for key, shipment in shipments.items() if (lots := returned(shipment))}
    asked = transposed([(key, shipments[key].consignee) for key in wanted], 2)
    rows: dict[str, list[MoveRow]] = {}
    for receipt in await connection.fetch(statement("shipments", "receipts"), *asked) if wanted else ():
        key = receipt["key"]
        rows[key] = [
            MoveRow(
                receipt["message"], receipt["index"], line, shipments[key].consignor, lot, "returned", "",
                receipt["at"], net_g, None, None, None, None, None, key,
            )
            for line, (lot, net_g) in enumerate(sorted(wanted[key].items()), FIRST_LINE)
        ]  # fmt: skip
    return rows
