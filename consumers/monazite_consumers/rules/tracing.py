"""Tracing: which lots a lot came from, or what became of it, by share of mass, level by level and to the last unit."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from monazite_consumers.rules.custody import LotState
from monazite_consumers.rules.sharing import WHOLE, pass_on
from monazite_contracts.quantities import divide_half_even

Passes = Mapping[str, Mapping[str, int]]
"""Of each lot on the way, the lots next to it and how many grams connect them, all above zero.

Upwards what went into it, downwards what it went into.
"""


_ALL: Final = ""
"""Leads to every lot that is looked at."""


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


def place(lot: str, passes: Passes) -> Sequence[Placed]:
    """Every lot that the traced one leads to, once, after whatever leads to it; the traced one first."""
    return _in_waves(lot, passes) or _with_circles(lot, passes)


def _in_waves(lot: str, passes: Passes) -> list[Placed] | None:
    """Each lot as soon as everything that leads to it is placed, which is at its level; None: some never are."""
    waiting = dict(Counter(chain.from_iterable(passes.values())))
    placed: list[Placed] = []
    wave = [lot]
    level = 0
    while wave:
        placed += [Placed(at, level, circle=False) for at in wave]
        level += 1
        following = []
        for further in chain.from_iterable([passes[at] for at in wave if at in passes]):
            left = waiting[further] = waiting[further] - 1
            if not left:
                following.append(further)
        wave = following
    return placed if lot not in waiting and len(placed) == len(waiting) + 1 else None


def _with_circles(lot: str, passes: Passes) -> list[Placed]:
    """The same where lots went into themselves in the end; those of one circle are at one level."""
    levels = {lot: 0}
    found: list[Placed] = []
    for component in _components(lot, passes):
        circle = len(component) > 1 or component[0] in passes.get(component[0], ())
        level = max(levels.get(each, 0) for each in component)
        for each in component:
            found.append(Placed(each, level, circle))
            for further in passes.get(each, ()):
                if levels.get(further, 0) <= level:
                    levels[further] = level + 1
    return sorted(found, key=lambda each: (each.level, each.lot != lot))


def in_circles(lots: Iterable[str], parents: Mapping[str, Collection[str]]) -> set[str]:
    """Of lots and all that went into them, each whole circle. `parents`: what went into each."""
    every = {lot: dict.fromkeys(into, 1) for lot, into in parents.items()}
    found = _components(_ALL, {_ALL: dict.fromkeys(lots, 1), **every})
    return {lot for each in found if len(each) > 1 or each[0] in every.get(each[0], ()) for lot in each}


def share(placed: Sequence[Placed], passes: Passes, rests: Mapping[str, int] | None = None) -> tuple[Traced, ...]:
    """The same lots with their shares, level by level, the largest first.

    Each passes its units on by mass. `rests`: grams of a lot that were passed on to nothing; their units end there.
    """
    rests = rests or {}
    units: defaultdict[str, int] = defaultdict(int, {placed[0].lot: WHOLE})
    found: list[tuple[int, int, str, Traced]] = []
    for lot, level, circle in placed:
        ahead, has = passes.get(lot), units.get(lot)
        ends = has or 0
        if ahead and has is not None and not circle:
            ends -= pass_on(has, ahead, rests.get(lot, 0), units)
        found.append((level, -(has or 0), lot, Traced(lot, level, circle, has, ends)))
    return tuple(traced for *_, traced in sorted(found))


def came_from(
    placed: Sequence[Placed], passes: Passes, inputs: Mapping[str, int], whole: Collection[str]
) -> dict[str, int | None]:
    """Downwards: how much of each lot came from what is traced, in units of `WHOLE`; None where a circle feeds it.

    `inputs`: grams that went into each lot, from whatever lots. `whole`: the lots that are traced themselves.
    """
    came: dict[str, int | None] = {}
    fed: defaultdict[str, int] = defaultdict(int)
    unknown: set[str] = set()
    for lot, _, circle in placed:
        ahead = passes.get(lot, {})
        if lot not in whole and (circle or lot in unknown):
            came[lot] = None
            unknown.update(ahead)
            continue
        of = came[lot] = WHOLE if lot in whole else divide_half_even(fed[lot], inputs[lot])
        for further, net_g in ahead.items():
            fed[further] += net_g * of
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
