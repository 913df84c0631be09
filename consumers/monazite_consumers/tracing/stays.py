"""Reads where what is left of lots is now: on hand, on its way, lost, or sent out of the register."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.rules.exports import shown_as
from monazite_consumers.rules.moves import KINDS
from monazite_consumers.rules.whereabouts import Sent, Stay, stays_of
from monazite_consumers.sql import statement

_IN: Final = [kind.name for kind in KINDS.values() if kind.sign > 0]
_OUT: Final = [kind.name for kind in KINDS.values() if kind.sign < 0]


async def stays(connection: Connection, lots: Collection[str]) -> dict[str, list[Stay]]:
    """By lot, without units."""
    held = await connection.fetch(statement("tracing", "held"), list(lots), _IN, _OUT)
    sent = await connection.fetch(statement("tracing", "sent"), list(lots))
    back = {tuple(row)[:3]: row["net_g"] for row in await connection.fetch(statement("tracing", "back"), list(lots))}
    found = stays_of((tuple(row) for row in held), (Sent(*tuple(row)[:-1]) for row in sent), back)
    products = {row["shipment"]: [line["product"] for line in row["lines"]] for row in sent}
    return {lot: [_shown(stay, products) for stay in of_lot] for lot, of_lot in found.items()}


def _shown(stay: Stay, products: Mapping[str, Sequence[str | None]]) -> Stay:
    """Without a name that is withheld."""
    if stay.shipment is None or stay.consignor is None:
        return stay
    where, shipment, consignor = (
        shown_as(party, products[stay.shipment]) for party in (stay.where, stay.shipment, stay.consignor)
    )
    return stay._replace(where=where, shipment=shipment, consignor=consignor)
