"""Lots: what each is by the statements that made it, and what went into it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from chaos.oracle.facts import ORES, reo_g
from chaos.oracle.moves import Move, Now, grams

ORIGINS = {"import": "imported", "scrap-intake": "recycled"}
STEPS = {"blend": "blended", "split": "split"}


class Maker(NamedTuple):
    """A statement that brought a lot into being."""

    lot: str
    plant: str
    kind: str
    step: str
    at: datetime
    product: str
    origin: str
    net_g: int
    reo_g: int | None
    arrived_at: datetime

    @property
    def ends_here(self) -> bool:
        """Whether a chain may end with it, or begins in a mine."""
        return self.kind in ORIGINS or self.step == "mined"

    @property
    def is_output(self) -> bool:
        """Whether production made it."""
        return self.kind == "production"


def makers_of(said: Now) -> list[Maker]:
    data, kind = said.data, said.kind.split(".")[1]
    step = STEPS.get(kind) or data.get("activity", "")
    by = said.plant, kind, step, said.at
    if "lot" in data and "assay" in data:
        reo, origin = reo_g(data["net_mass_kg"], data["assay"]), ORIGINS.get(kind) or data.get("origin", "")
        return [Maker(data["lot"], *by, data["product"], origin, grams(data["net_mass_kg"]), reo, said.arrived_at)]
    return [
        Maker(c["lot"], *by, "", "", grams(c["net_mass_kg"]), None, said.arrived_at) for c in data.get("children", [])
    ]


class Lots:
    """All of them. `makers`: of each lot, the earliest first; `into`: what went into each."""

    def __init__(self, current: Iterable[Now], moves: Iterable[Move]) -> None:
        self.makers: dict[str, list[Maker]] = defaultdict(list)
        self.into: dict[str, list[Move]] = defaultdict(list)
        for maker in (maker for said in current for maker in makers_of(said)):
            self.makers[maker.lot].append(maker)
        for found in self.makers.values():
            found.sort(key=lambda each: (each.at, each.plant, each.net_g))
        for move in moves:
            if move.into:
                self.into[move.into].append(move)
        self._feeds: dict[str, dict[str, Fraction]] = {}

    def first(self, lot: str) -> Maker | None:
        """The earliest statement that made it."""
        return self.makers[lot][0] if lot in self.makers else None

    def parent(self, lot: str) -> str | None:
        """Of a lot that was split off, what it was split from."""
        first = self.first(lot)
        if first is None or first.step != "split":
            return None
        return min((move.lot for move in self.into[lot]), default=None)

    def product(self, lot: str) -> str:
        """Empty where nobody has said."""
        parent, first = self.parent(lot), self.first(lot)
        if parent is not None:
            return self.product(parent)
        return first.product if first is not None else ""

    def origin(self, lot: str) -> str:
        """What is stated of its feed."""
        parent, first = self.parent(lot), self.first(lot)
        if first is None:
            return ""
        if parent is not None:
            return self.origin(parent)
        if first.step == "blended":
            found = {self.origin(move.lot) for move in self.into[lot]}
            return found.pop() if len(found) == 1 else "mixed"
        return first.origin

    def reo_of(self, lot: str, net_g: int) -> int | None:
        """Grams of REO in so much of it; None where nobody has said."""
        parent, first = self.parent(lot), self.first(lot)
        if first is None or not first.net_g:
            return None
        whole = first.reo_g if parent is None else self.reo_of(parent, first.net_g)
        return None if whole is None else round(Fraction(net_g * whole, first.net_g))

    def feed(self, lot: str) -> dict[str, Fraction]:
        """Shares of the origins that its feed came from, by mass, as the chain tells."""
        if lot not in self._feeds:
            self._feeds[lot] = {"unknown": Fraction(1)}  # what goes into itself has no origin
            first = self.first(lot)
            if first is not None and first.ends_here:
                self._feeds[lot] = {_end(first): Fraction(1)}
            elif used := sum(move.net_g for move in self.into[lot]) if first is not None else 0:
                found: dict[str, Fraction] = defaultdict(Fraction)
                for move in self.into[lot]:
                    for origin, share in self.feed(move.lot).items():
                        found[origin] += Fraction(move.net_g, used) * share
                self._feeds[lot] = dict(found)
        return self._feeds[lot]


def _end(first: Maker) -> str:
    if first.kind == "import":
        return "imported"
    if first.kind == "scrap-intake":
        return "unknown" if first.product in ORES else "recycled"
    if first.product == "monazite-concentrate":
        return "monazite"
    return "by_product" if first.origin == "by_product" else "domestic"
