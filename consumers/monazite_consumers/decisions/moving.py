"""Posts moves, and takes them back: rows, what plants did with lots, flows, and what is in doubt for it."""

from collections import defaultdict
from dataclasses import dataclass, field

from monazite_consumers.database import Connection
from monazite_consumers.decisions.doubting import Doubt, doubt
from monazite_consumers.decisions.posting import copy, transposed
from monazite_consumers.decisions.summing import Sums
from monazite_consumers.rules.keys import is_outside, month_key
from monazite_consumers.rules.move_rows import MoveRow
from monazite_consumers.sql import statement
from monazite_contracts.months import month_of


@dataclass(slots=True)
class Moving:
    """Gathers what one portion moves, before it is written."""

    rows: list[MoveRow] = field(default_factory=list)
    holdings: dict[tuple[str, str, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    sums: Sums = field(default_factory=Sums)
    doubts: set[Doubt] = field(default_factory=set)
    back: set[tuple[str, str]] = field(default_factory=set)
    """Lots that plants took in from outside the register: what else came back of them is judged with them."""

    def post(self, row: MoveRow) -> None:
        """It is so now."""
        self.rows.append(row)
        self._count(row, 1)

    def unpost(self, row: MoveRow) -> None:
        """It is so no longer; the row is gone already."""
        self._count(row, -1)

    def _count(self, row: MoveRow, times: int) -> None:
        total = self.holdings[row.lot, row.plant, row.kind]
        total[0] += times * row.net_g
        total[1] += times
        self.flow(row, times)
        self._doubt("lot", row.lot, row.into_lot)
        if row.shipment is not None and row.kind != "returned":  # which the shipment's own judgement moves
            self.doubts.add(("shipment", row.shipment))
            if row.kind == "received" and is_outside(row.shipment):
                self.back.add((row.lot, row.plant))

    def doubt_past(self, lot: str, into_lot: str | None, shipment: str | None) -> None:
        """What was said of a lot and a shipment until it was amended is another thing than before."""
        self._doubt("lot", lot, into_lot)
        self._doubt("shipment", shipment)

    def _doubt(self, noun: str, *keys: str | None) -> None:
        self.doubts.update((noun, key) for key in keys if key is not None)

    def flow(self, row: MoveRow, times: int) -> None:
        """Adds it to its month, so many times."""
        self.sums.add(row, times)
        self.doubts.add(("month", month_key(row.plant, month_of(row.at))))


async def write(connection: Connection, moving: Moving) -> None:
    """Writes it all, in one order for everyone."""
    await copy(connection, "moves", MoveRow._fields, [tuple(row) for row in moving.rows])
    held = [(*key, *total) for key, total in sorted(moving.holdings.items()) if any(total)]
    if held:
        await connection.execute(statement("moves", "post_holdings"), *transposed(held, 5))
    await moving.sums.write(connection)
    if moving.back:
        others = await connection.fetch(statement("shipments", "others_back"), *transposed(sorted(moving.back), 2))
        moving.doubts.update(("shipment", row["shipment"]) for row in others)
    await doubt(connection, moving.doubts)
    if months := sorted(key for noun, key in moving.doubts if noun == "month"):
        await connection.execute(statement("doubts", "later_months"), months)
