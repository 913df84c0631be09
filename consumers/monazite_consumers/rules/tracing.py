"""Tracing: which lots a lot came from, or what became of it, by share of mass, level by level and to the last unit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from monazite_consumers.rules.custody import LotState
from monazite_consumers.rules.sharing import WHOLE, apportion
from monazite_contracts.quantities import divide_half_even

_NOWHERE: Final = ""
"""Among lots: what was passed on to none."""

Passes = Mapping[str, Mapping[str, int]]
"""Of each lot on the way, the lots next to it and how many grams connect them, all above zero.

Upwards what went into it, downwards what it went into.
"""


class Placed(NamedTuple):
    """One lot of a trace. `level`: steps from the traced lot, by the longest way that is no circle.

    `circle`: it went into itself in the end, and so passes nothing on.
    """

    lot: str
    level: int
    circle: bool


class Traced(NamedTuple):
    """One lot of a trace with its share.

    `units`: what share of the traced lot, of `WHOLE`, came through it (upwards) or went into it (downwards); None where
    only lots in circles lead here, so that it cannot be said. `ends`: how many of them go no further than here; over
    all lots they add to exactly `WHOLE`.
    """

    lot: str
    level: int
    circle: bool
    units: int | None
    ends: int


def place(lot: str, passes: Passes) -> tuple[Placed, ...]:
    """Every lot that the traced one leads to, once, after whatever leads to it; the traced one first."""
    levels = {lot: 0}
    found: list[tuple[int, bool, str, bool]] = []
    for component in _components(lot, passes):
        circle = len(component) > 1 or component[0] in passes.get(component[0], ())
        level = max(levels.get(each, 0) for each in component) if circle else levels[component[0]]
        for each in component:
            found.append((level, each != lot, each, circle))
            for further in passes.get(each, ()):
                if levels.get(further, 0) <= level:
                    levels[further] = level + 1
    return tuple(Placed(each, level, circle) for level, _, each, circle in sorted(found))


def share(placed: Sequence[Placed], passes: Passes, rests: Mapping[str, int] | None = None) -> tuple[Traced, ...]:
    """The same lots with their shares, level by level, the largest first.

    Each passes its units on by mass. `rests`: grams of a lot that were passed on to nothing; their units end there.
    """
    rests = rests or {}
    units = {placed[0].lot: WHOLE}
    found: list[tuple[int, int, str, Traced]] = []
    for lot, level, circle in placed:
        ahead, has = passes.get(lot), units.get(lot)
        ends = has or 0
        if ahead and has is not None and not circle:
            parts = apportion(has, {**ahead, _NOWHERE: rests.get(lot, 0)})
            ends = parts.pop(_NOWHERE)
            for further, part in parts.items():
                units[further] = units.get(further, 0) + part
        found.append((level, -(has or 0), lot, Traced(lot, level, circle, has, ends)))
    return tuple(traced for *_, traced in sorted(found))


def came_from(placed: Sequence[Placed], passes: Passes, inputs: Mapping[str, int]) -> dict[str, int | None]:
    """Downwards: how much of each lot came from the traced one, in units of `WHOLE`; None where a circle feeds it.

    `inputs`: grams that went into each lot, from whatever lots. A lot that nothing else went into, at any level, is
    the traced one's as a whole.
    """
    root = placed[0].lot
    came: dict[str, int | None] = {}
    fed: dict[str, int | None] = {}
    for lot, _, circle in placed:
        of: int | None = WHOLE
        if lot != root:
            so_much = fed[lot]
            of = None if circle or so_much is None else divide_half_even(so_much, inputs[lot])
        came[lot] = of
        for further, net_g in passes.get(lot, {}).items():
            so_far = fed.get(further, 0)
            fed[further] = None if of is None or so_far is None else so_far + net_g * of
    return came


def broken_here(traced: Placed | Traced, state: LotState | None) -> str | None:
    """Why the chain is broken at this very lot; None: it is not, or it is further along."""
    if traced.circle:
        return "circle"
    if state is None:
        return "not-judged"
    return None if state.broken == "parent" else state.broken


def _components(lot: str, passes: Passes) -> Iterator[list[str]]:
    """The lots that can be reached, each once, after whatever leads to it; those of one circle together (Tarjan)."""
    number, low, open_lots, found = {lot: 0}, {lot: 0}, [lot], []
    inside = {lot}
    way = [(lot, iter(passes.get(lot, ())))]
    while way:
        at, ahead = way[-1]
        for further in ahead:
            if further not in number:
                number[further] = low[further] = len(number)
                open_lots.append(further)
                inside.add(further)
                way.append((further, iter(passes.get(further, ()))))
                break
            if further in inside:
                low[at] = min(low[at], number[further])
        else:
            way.pop()
            if way:
                low[way[-1][0]] = min(low[way[-1][0]], low[at])
            if low[at] == number[at]:
                start = len(open_lots) - 1
                while open_lots[start] != at:
                    start -= 1
                found.append(sorted(open_lots[start:]))
                inside.difference_update(open_lots[start:])
                del open_lots[start:]
    return reversed(found)
