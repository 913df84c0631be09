"""Balances: a plant's month in grams of REO, held against itself: what went in, what came out, what is left over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import isqrt
from typing import Any, Final, NamedTuple

from monazite_consumers.rules.moves import KINDS, Column
from monazite_contracts.quantities import PPM


class Flow(NamedTuple):
    """One sum of a plant's month, in grams. `reo_squares`: the squares of its lines' REO."""

    product: str
    kind: str
    step: str
    origin: str
    net_g: int
    reo_g: int
    claimed_g: int
    moves: int
    reo_squares: int = 0


@dataclass(frozen=True, slots=True)
class Recovery:
    """One process step of a plant's month, in grams of REO or of an element's oxide. `squares`: of its lines."""

    step: str
    used_g: int
    made_g: int
    squares: int

    @property
    def rate_ppm(self) -> int | None:
        """Made of used, in parts per million, rounded down."""
        return self.made_g * PPM // self.used_g if self.used_g else None

    def uncertainty_g(self, assay_ppm: int) -> int:
        """Of the difference, one standard deviation, rounded down: `uncertainty_g` of its lines."""
        return uncertainty_g(self.squares, assay_ppm)


def uncertainty_g(squares: int, assay_ppm: int) -> int:
    """One standard deviation of a sum of lines, rounded down: each is off by so much, independently of the others.

    `squares`: of the lines, in grams, summed; so the result is the same in whatever order they were added.
    """
    return isqrt(squares * assay_ppm**2) // PPM


PROCESSES: Final = ("separated", "smelted", "recovered")
"""Steps that turn feed into something else; a mine has no feed, and blending and splitting leave things as they are."""


def recoveries(flows: Iterable[Flow]) -> list[Recovery]:
    """Every process step of a plant's month."""
    used: dict[str, int] = {}
    made: dict[str, int] = {}
    squares: dict[str, int] = {}
    for flow in flows:
        if flow.step not in PROCESSES or flow.kind not in {"used", "made"}:
            continue
        side = used if flow.kind == "used" else made
        side[flow.step] = side.get(flow.step, 0) + flow.reo_g
        squares[flow.step] = squares.get(flow.step, 0) + flow.reo_squares
    return [Recovery(step, used.get(step, 0), made.get(step, 0), squares[step]) for step in sorted(squares)]


class ElementFlow(NamedTuple):
    """One sum of a plant's month in grams of an element's oxide; without an element, in grams of REO.

    The latter are lines whose assays do not tell the elements.
    """

    kind: str
    step: str
    element: str
    oxide_g: int
    squares: int
    moves: int


def element_recoveries(flows: Iterable[ElementFlow]) -> list[tuple[str, Recovery]]:
    """Of each process step and element, what was made of what was used, in its oxide; by step and element.

    Only of steps of which every line tells its elements: what some do not tell would be missing on one side.
    """
    found: dict[tuple[str, str], Recovery] = {}
    silent: set[str] = set()
    for flow in flows:
        if flow.step not in PROCESSES or flow.kind not in {"used", "made"}:
            continue
        if not flow.element:
            silent.add(flow.step)
        had = found.get((flow.step, flow.element), Recovery(flow.step, 0, 0, 0))
        used_g, made_g = (flow.oxide_g if flow.kind == side else 0 for side in ("used", "made"))
        found[flow.step, flow.element] = Recovery(
            flow.step, had.used_g + used_g, had.made_g + made_g, had.squares + flow.squares
        )
    return [(element, found[step, element]) for step, element in sorted(found) if step not in silent]


ELEMENT_SIGMAS: Final = 3
"""Some ten elements are looked at for each step and month: at two deviations chance would name plants every month."""


def gained(flows: Iterable[ElementFlow], assay_ppm: int) -> list[dict[str, Any]]:
    """The arithmetic of each element of which a step made more than it used, beyond what assays leave uncertain."""
    found = []
    for element, step in element_recoveries(flows):
        uncertain_g = step.uncertainty_g(assay_ppm)
        if step.made_g - step.used_g > ELEMENT_SIGMAS * uncertain_g:
            found.append({
                "step": step.step, "element": element, "used_g": step.used_g, "made_g": step.made_g,
                "uncertainty_g": uncertain_g,
            })  # fmt: skip
    return found


class Claims(NamedTuple):
    """What a plant claimed in a month for what it made, and what mass and assay say, in grams of REO."""

    month: date
    claimed_g: int
    reo_g: int


def leaning_ppm(claims: Iterable[Claims]) -> int | None:
    """How far what is claimed lies from what is computed, over months in sum, signed; None where nothing is claimed."""
    claimed_g = computed_g = 0
    for each in claims:
        claimed_g, computed_g = claimed_g + each.claimed_g, computed_g + each.reo_g
    return (claimed_g - computed_g) * PPM // computed_g if computed_g and claimed_g else None


def bias_ppm(flows: Iterable[Flow]) -> int | None:
    """How far a month's claimed REO lies from the computed one, signed; None where nothing was claimed."""
    claimed = computed = 0
    for flow in flows:
        if flow.kind == "made" and flow.step not in {"split", "blended"}:
            claimed += flow.claimed_g
            computed += flow.reo_g
    return (claimed - computed) * PPM // computed if computed and claimed else None


def by_product(flows: Iterable[Flow]) -> Mapping[str, Mapping[Column, int]]:
    """A month's columns for each product, net grams."""
    found: dict[str, dict[Column, int]] = {}
    for flow in flows:
        column = KINDS[flow.kind].column
        if column is not Column.NONE:
            columns = found.setdefault(flow.product, dict.fromkeys(Column, 0))
            columns[column] += flow.net_g
    return found


class Line(NamedTuple):
    """One line of a flow record in grams: opening + in + made - used - shipped - lost = closing."""

    opening: int
    came_in: int
    made: int
    used: int
    shipped: int
    lost: int

    @property
    def closing(self) -> int:
        """What is on hand at the month's end."""
        return self.opening + self.came_in + self.made - self.used - self.shipped - self.lost


_COLUMNS: Final = (Column.OPENING, Column.IN, Column.MADE, Column.USED, Column.SHIPPED, Column.LOST)


def lines_of(flows: Iterable[Flow]) -> list[tuple[str, Line, Line]]:
    """Of each product, by name, its line in net grams and in grams of REO."""
    net: dict[str, dict[Column, int]] = {}
    reo: dict[str, dict[Column, int]] = {}
    for flow in flows:
        column = KINDS[flow.kind].column
        if column is not Column.NONE:
            for side, grams in ((net, flow.net_g), (reo, flow.reo_g)):
                columns = side.setdefault(flow.product, dict.fromkeys(_COLUMNS, 0))
                columns[column] += grams
    return [(product, Line(*net[product].values()), Line(*reo[product].values())) for product in sorted(net)]


def stock_g(flows: Iterable[Flow]) -> Mapping[str, int]:
    """Net grams on hand of each product, by everything that ever moved."""
    found: dict[str, int] = {}
    for flow in flows:
        found[flow.product] = found.get(flow.product, 0) + KINDS[flow.kind].sign * flow.net_g
    return found


UNKNOWN: Final = ""
"""The product of what nobody has said it of."""


class Range(NamedTuple):
    """Between how many grams of a product there may be."""

    low_g: int
    high_g: int

    def nearest(self, found_g: int) -> int:
        """What of it lies closest to what was found."""
        return min(max(found_g, self.low_g), self.high_g)

    def or_any_of(self, unknown: "Range") -> "Range":
        """With any part of what may be of this product or of another; below zero, of what is gone."""
        return Range(self.low_g + min(0, unknown.low_g), self.high_g + max(0, unknown.high_g))


NONE: Final = Range(0, 0)


class Band(NamedTuple):
    """Between what a step's recovery rate should lie, in parts per million of the REO used."""

    low_ppm: int
    high_ppm: int


def out_of_band(recovery: Recovery, band: Band, assay_ppm: int) -> Mapping[str, Any] | None:
    """The arithmetic of a recovery that cannot be, beyond twice its uncertainty; None where it can."""
    slack_g = 2 * recovery.uncertainty_g(assay_ppm)
    low_g, high_g = (recovery.used_g * ppm // PPM for ppm in band)
    if low_g - slack_g <= recovery.made_g <= high_g + slack_g:
        return None
    return {
        "step": recovery.step, "used_reo_g": recovery.used_g, "made_reo_g": recovery.made_g,
        "rate_ppm": recovery.rate_ppm, "low_ppm": band.low_ppm, "high_ppm": band.high_ppm,
        "uncertainty_g": slack_g // 2,
    }  # fmt: skip
