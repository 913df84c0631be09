"""Custody: what a lot is, whether its chain ends lawfully, and what somebody did with it that cannot be."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from monazite_consumers.rules.elements import part_of
from monazite_consumers.rules.move_rows import Stated
from monazite_consumers.rules.moves import KINDS
from monazite_consumers.rules.origins import UNKNOWN, end_of_chain, mingled
from monazite_contracts.catalogue import PRODUCTS, CapKind, Stage
from monazite_contracts.months import day_of
from monazite_contracts.quantities import PPM, divide_half_even

SUSPECT_FROM: Final = 64
"""Steps from a lot back to its farthest origin, from which on it is looked whether the chain goes in a circle."""

LAWFUL_ENDS: Final = frozenset({"imported", "taken_in", "opening"})
"""Where a chain may end besides a mine of an approved enterprise (R8); ore comes from a mine, not as scrap."""

ORES: Final = tuple(code for code, product in PRODUCTS.items() if product.stage is Stage.ORE)

Listed = Callable[[str, CapKind, date], bool]
"""Whether a plant's enterprise may mine a kind on a day."""


class Maker(NamedTuple):
    """A statement that brought a lot into being."""

    plant: str
    kind: str
    step: str
    at: datetime
    product: str | None
    origin: str | None
    net_g: int
    reo_g: int | None
    oxides: str | None
    arrived_at: datetime


class Parent(NamedTuple):
    """A lot that went into another, `used_g` of it. `known`: it was judged before."""

    lot: str
    known: bool
    broken: str | None
    depth: int
    product: str | None
    origin: str | None
    net_g: int
    reo_g: int | None
    feed: str
    oxides: str | None
    used_g: int


class LotState(NamedTuple):
    """What a lot is. `broken`: why its chain does not end lawfully; None where it does. Masses in grams.

    `reo_g` and `oxides` of `net_g`: what its statement says, or for part of a split lot what its parent's does.
    `origin`: what is stated of its feed; `feed`: what follows from what went into it. `broken_since`: by arrival; None
    where it was never otherwise. `used_g`: of other lots that went into it, by all its statements.
    """

    lot: str
    plant: str
    product: str | None
    origin: str | None
    net_g: int
    reo_g: int | None
    broken: str | None
    depth: int
    feed: str = UNKNOWN
    oxides: str | None = None
    broken_since: datetime | None = None
    used_g: int = 0

    def oxides_of(self, net_g: int) -> str | None:
        """Of each element's oxide in so much of it; None where nobody has said."""
        return part_of(self.oxides, self.net_g, net_g)

    def reo_of(self, net_g: int) -> int | None:
        """Grams of REO in so much of it, half-even; None where nobody has said."""
        if self.reo_g is None or not self.net_g:
            return None
        return divide_half_even(net_g * self.reo_g, self.net_g)


def judge_lot(lot: str, makers: Sequence[Maker], parents: Sequence[Parent], listed: Listed) -> LotState:
    """What a lot is by the statements that made it, the earliest first, and by what went into it."""
    used_g = sum(parent.used_g for parent in parents)
    if not makers:
        return LotState(lot, lot.partition("/")[0], None, None, 0, None, "unreported", 0, used_g=used_g)
    first = makers[0]
    depth = 1 + max((parent.depth for parent in parents), default=-1)
    broken = min((why for maker in makers if (why := _broken(maker, parents, listed))), default=None)
    product, origin, net_g, reo_g, oxides = first.product, first.origin, first.net_g, first.reo_g, first.oxides
    if first.step == "split" and parents:
        parent = parents[0]
        product, origin, oxides = parent.product, parent.origin, part_of(parent.oxides, parent.net_g, net_g)
        reo_g = None  # never what the move was filled with before: the parent may have been taken back since
        if parent.reo_g is not None and parent.net_g:
            reo_g = divide_half_even(net_g * parent.reo_g, parent.net_g)
    if first.step == "blended":
        origins = {parent.origin for parent in parents}
        origin = origins.pop() if len(origins) == 1 else "mixed"
    feed = _feed(first, parents)
    return LotState(lot, first.plant, product, origin, net_g, reo_g, broken, depth, feed, oxides, used_g=used_g)


def _feed(maker: Maker, parents: Sequence[Parent]) -> str:
    if maker.kind in LAWFUL_ENDS or maker.step == "mined":
        return end_of_chain(maker.kind, maker.product, maker.origin)
    return mingled((parent.feed, parent.used_g) for parent in parents)


def _broken(maker: Maker, parents: Sequence[Parent], listed: Listed) -> str | None:
    if maker.kind in LAWFUL_ENDS or maker.step == "mined":
        return fault_of(maker, listed)
    if not parents:
        return "no-input"
    return "parent" if any(not parent.known or parent.broken for parent in parents) else None


def fault_of(maker: Maker | Stated, listed: Listed) -> str | None:
    """Why a statement is no lawful end of a chain; None where it is one."""
    if maker.kind == "taken_in":
        return "ore-as-scrap" if maker.product in ORES else None
    if maker.kind in LAWFUL_ENDS:
        return None
    kind = PRODUCTS[maker.product].mining_kind if maker.product is not None else None
    return None if kind is not None and listed(maker.plant, kind, day_of(maker.at)) else "unlisted-mine"


def in_circle(state: LotState) -> LotState:
    """A lot that went into itself in the end."""
    return state._replace(broken="circle", depth=0, feed=UNKNOWN)


def is_suspect(before: LotState | None, now: LotState, parents: Sequence[Parent]) -> bool:
    """Whether a chain may go in a circle: in one each judgement adds a step, so at some doubling it is looked.

    Once one lot of a circle is found, the others are looked at for its sake: which one is found first tells nothing.
    """
    if any(state is not None and state.broken == "circle" for state in (before, *parents)):
        return True
    grown = before is None or before.depth != now.depth
    return grown and now.depth >= SUSPECT_FROM and now.depth & (now.depth - 1) == 0


class Shortfall(NamedTuple):
    """More went out of a stock than came in. Grams."""

    plant: str
    in_g: int
    out_g: int


def shortfalls(held: Iterable[tuple[str, str, int]], tolerance_ppm: int) -> list[Shortfall]:
    """Of one lot, (plant, kind, grams) summed: each plant that gave away more than it had, beyond a tolerance."""
    came: dict[str, int] = {}
    went: dict[str, int] = {}
    for plant, kind, net_g in held:
        side = came if KINDS[kind].sign > 0 else went
        if KINDS[kind].sign:
            side[plant] = side.get(plant, 0) + net_g
    return [
        Shortfall(plant, came.get(plant, 0), out_g)
        for plant, out_g in sorted(went.items())
        if is_short(came.get(plant, 0), out_g, tolerance_ppm)
    ]


def is_short(in_g: int, out_g: int, tolerance_ppm: int) -> bool:
    """Whether more went out than came in, beyond a tolerance."""
    return (out_g - in_g) * PPM > tolerance_ppm * out_g


def changed(before: LotState | None, after: LotState) -> bool:
    """Whether whatever was made of the lot is to be judged anew."""
    return before is None or before[2:] != after[2:]
