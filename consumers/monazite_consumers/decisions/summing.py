"""Sums of moves by plant and month: flows, what is on hand at each month's end, output by origin, elements."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.elements import read_oxides
from monazite_consumers.rules.move_rows import MoveRow
from monazite_consumers.rules.moves import KINDS
from monazite_consumers.rules.origins import by_origin
from monazite_consumers.sql import statement
from monazite_contracts.months import day_of

_Sums = dict[tuple[Any, ...], list[int]]


def _of(width: int) -> Callable[[], _Sums]:
    return lambda: defaultdict(lambda: [0] * width)


@dataclass(slots=True)
class Sums:
    """What one portion adds, before it is written."""

    flows: _Sums = field(default_factory=_of(5))
    stocks: _Sums = field(default_factory=_of(3))
    outputs: _Sums = field(default_factory=_of(3))
    elements: _Sums = field(default_factory=_of(3))

    def add(self, row: MoveRow, times: int) -> None:
        """Adds a move to its month, so many times."""
        month, reo_g = day_of(row.at).replace(day=1), row.reo_g or 0
        flow = row.plant, month, row.product or "", row.kind, row.step, row.origin or ""
        _add(self.flows, flow, times, (1, row.net_g, reo_g, row.claimed_g or 0, reo_g**2))
        if sign := KINDS[row.kind].sign:
            _add(self.stocks, (row.plant, row.product or "", month), times, (1, sign * row.net_g, sign * reo_g))
            for element, oxide_g in (read_oxides(row.oxides) or {"": reo_g}).items():
                key = row.plant, month, row.kind, row.step, element
                _add(self.elements, key, times, (1, oxide_g, oxide_g**2))
        if row.feed is not None:
            self._add_output(row, month, times)

    def _add_output(self, row: MoveRow, month: date, times: int) -> None:
        assert row.feed is not None  # noqa: S101 - its caller looked
        net, reo = by_origin(row.net_g, row.feed), by_origin(row.reo_g or 0, row.feed)
        for origin, net_g in net.items():
            key = row.plant, month, row.product, row.step, origin, row.lawful
            _add(self.outputs, key, times, (1, net_g, reo[origin]))

    async def write(self, connection: Connection) -> None:
        """Writes it all, in one order for everyone."""
        if flows := _rows(self.flows):
            await connection.execute(statement("moves", "post_flows"), *transposed(flows, 11))
        if stocks := _rows(self.stocks):
            columns = transposed(stocks, 6)
            await connection.execute(statement("material", "open_stocks"), *columns[:3])
            await connection.execute(statement("material", "post_stocks"), *columns)
        if outputs := _rows(self.outputs):
            await connection.execute(statement("material", "post_outputs"), *transposed(outputs, 9))
        if elements := _rows(self.elements):
            await connection.execute(statement("material", "post_elements"), *transposed(elements, 8))


def _add(sums: _Sums, key: tuple[Any, ...], times: int, amounts: tuple[int, ...]) -> None:
    total = sums[key]
    for column, amount in enumerate(amounts):
        total[column] += times * amount


def _rows(sums: _Sums) -> list[tuple[Any, ...]]:
    return [(*key, *total) for key, total in sorted(sums.items()) if any(total)]
