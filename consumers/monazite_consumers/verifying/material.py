"""Verifies what is kept of material by month: stocks, output by origin and elements, against the moves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.summing import Sums
from monazite_consumers.rules.move_rows import MoveRow
from monazite_consumers.sql import statement
from monazite_consumers.verifying.misfits import Misfit, Report

_Key = tuple[Any, ...]

MESSAGES: Final = 500
"""That are read at a time."""


async def check_material(connection: Connection, report: Report) -> None:
    """Every sum, from moves that are counted anew."""
    sums = await _counted(connection)
    outputs = await connection.fetch(statement("verifying_custody", "outputs_kept"))
    _compare(report, "outputs", _totals(sums.outputs), outputs)
    elements = await connection.fetch(statement("verifying_custody", "element_flows_kept"))
    _compare(report, "element_flows", _totals(sums.elements), elements)
    stocks = await connection.fetch(statement("verifying_custody", "stocks_kept"))
    _compare(report, "stocks", _closings(sums), stocks)


async def _counted(connection: Connection) -> Sums:
    sums, after = Sums(), 0
    while found := await connection.fetch(statement("verifying_custody", "next_moves"), after, MESSAGES):
        for row in found:
            sums.add(MoveRow(*row.values()), 1)
        after = found[-1]["message"]
    return sums


def _closings(sums: Sums) -> dict[_Key, tuple[int, ...]]:
    """Of each month in which a product moved at a plant: its moves, and what is there at its end."""
    found: dict[_Key, tuple[int, ...]] = {}
    before: _Key = ()
    net_g = reo_g = 0
    for (plant, product, month), (moves, moved_g, moved_reo_g) in sorted(sums.stocks.items()):
        if before != (plant, product):
            before, net_g, reo_g = (plant, product), 0, 0
        net_g, reo_g = net_g + moved_g, reo_g + moved_reo_g
        found[plant, product, month] = moves, net_g, reo_g
    return found


def _totals(sums: Mapping[_Key, Sequence[int]]) -> dict[_Key, tuple[int, ...]]:
    return {key: tuple(total) for key, total in sums.items()}


def _compare(report: Report, table: str, counted: Mapping[_Key, tuple[int, ...]], rows: Iterable[Any]) -> None:
    """What is kept, three amounts under a key, against what was counted."""
    kept = {tuple(row)[:-3]: tuple(map(int, tuple(row)[-3:])) for row in rows}
    for key in sorted(counted.keys() | kept.keys()):
        if counted.get(key) != kept.get(key):
            detail = " ".join(str(part) for part in key if part != "")
            report.add(Misfit(table, counted.get(key), kept.get(key), detail))
