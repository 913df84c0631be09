"""Where a trace ends, on a terminal: upwards the origins by plant, downwards where everything is now."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.console import RenderableType
from rich.text import Text

from monazite.commands.trace_words import WHYS, how_made, percentage
from monazite.tables import plain_table
from monazite.terminal_figures import kilograms
from monazite_consumers.rules.tracing import Traced
from monazite_contracts.months import day_of

if TYPE_CHECKING:  # it needs the database driver, which a plant does not install
    from monazite_consumers.rules.whereabouts import Stay
    from monazite_consumers.tracing.chain import Trace
    from monazite_consumers.tracing.papers import Papers

ENDS_SHOWN: Final = 40

Sums = dict[tuple[str, str], list[int]]
"""By what two columns say: units, lots, grams."""


def ends_table(trace: "Trace", papers: Mapping[str, "Papers"]) -> RenderableType:
    """Summed by plant and how it came to be there; the percentages add to 100."""
    sums: Sums = defaultdict(lambda: [0, 0, 0])
    for each in trace.lots:
        if each.ends:
            _add(sums[_origin(trace, each, papers)], each.ends, 0)
    return _table("Where it comes from", ("from", "by"), sums, massive=False)


def whereabouts_table(trace: "Trace", stays: Sequence["Stay"]) -> RenderableType:
    """Summed by place and product, shipments that are under way by themselves.

    Kilograms are all that is there of the lots, also what is not of the traced one.
    """
    sums: Sums = defaultdict(lambda: [0, 0, 0])
    for stay in stays:
        state = trace.states.get(stay.lot)
        product = (state.product if state is not None else None) or "product unknown"
        _add(sums[_place(stay), product], stay.units, stay.net_g)
    return _table("Where it is now", ("where", "as"), sums, massive=True)


def _add(total: list[int], units: int, net_g: int) -> None:
    total[0] += units
    total[1] += 1
    total[2] += net_g


def _table(title: str, columns: tuple[str, str], sums: Sums, *, massive: bool) -> RenderableType:
    table = plain_table(Text(title, style="bold"))
    table.padding = (0, 1, 0, 0)
    table.title_justify = "left"
    table.add_column("share %", justify="right", no_wrap=True)
    table.add_column("lots", justify="right", no_wrap=True)
    if massive:
        table.add_column("kg", justify="right", no_wrap=True)
    table.add_column(columns[0], overflow="fold")
    table.add_column(columns[1], overflow="fold")
    ordered = sorted(sums.items(), key=lambda item: (-item[1][0], -item[1][2], item[0]))
    rows = [(key, total) for key, total in ordered[:ENDS_SHOWN]]
    if rest := ordered[ENDS_SHOWN:]:
        rows.append(((f"{len(rest):,} further", ""), [sum(total[n] for _, total in rest) for n in range(3)]))
    for (where, what), (units, lots, net_g) in rows:
        mass = [kilograms(net_g)] if massive else []
        style = "red" if what.startswith("BROKEN") else ""
        table.add_row(percentage(units), f"{lots:,}", *mass, Text(where), Text(what, style=style))
    return table


def _place(stay: "Stay") -> str:
    if stay.shipment is None or stay.how != "under way":
        return f"{stay.how}: {stay.where}"
    due = f", due {day_of(stay.due_at)}" if stay.due_at is not None else ""
    return f"{stay.how}: {stay.shipment} to {stay.where}{due}"


def _origin(trace: "Trace", traced: Traced, papers: Mapping[str, "Papers"]) -> tuple[str, str]:
    state, found = trace.states.get(traced.lot), papers.get(traced.lot)
    plant = state.plant if state is not None else traced.lot.partition("/")[0]
    enterprise = found.made[0].enterprise if found and found.made else None
    where = f"{plant}, {enterprise}" if enterprise else plant
    if traced.lot in trace.unfollowed:
        return where, "not followed further"
    if (why := trace.broken(traced)) is not None:
        return where, f"BROKEN: {WHYS[why]}"
    product = (state.product if state is not None else None) or "product unknown"
    return where, f"{product}, {how_made(traced.lot, papers) or 'unknown how'}"
