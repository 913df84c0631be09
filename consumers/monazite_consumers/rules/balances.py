"""Balances: a plant's month in grams of REO, held against itself: what went in, what came out, what is left over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Any, Final, NamedTuple

from monazite_consumers.rules.moves import KINDS, Column
from monazite_contracts.quantities import PPM


class Flow(NamedTuple):
    """One sum of a plant's month, in grams."""

    product: str
    kind: str
    step: str
    origin: str
    net_g: int
    reo_g: int
    claimed_g: int
    moves: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """One process step of a plant's month, in grams of REO. `rate_ppm`: made of used; None where nothing was used."""

    step: str
    used_g: int
    made_g: int
    lines: int

    @property
    def rate_ppm(self) -> int | None:
        """Made of used, in parts per million, rounded down."""
        return self.made_g * PPM // self.used_g if self.used_g else None

    def uncertainty_g(self, assay_ppm: int) -> int:
        """Of the difference, one standard deviation: assays are off by so much each, independently of each other.

        Lines are taken as equal in size: the sum's uncertainty is that of one line times the root of their number.
        """
        return (self.used_g + self.made_g) * assay_ppm // (PPM * max(1, isqrt(self.lines)))


PROCESSES: Final = ("separated", "smelted", "recovered")
"""Steps that turn feed into something else; a mine has no feed, and blending and splitting leave things as they are."""


def recoveries(flows: Iterable[Flow]) -> list[Recovery]:
    """Every process step of a plant's month."""
    used: dict[str, int] = {}
    made: dict[str, int] = {}
    lines: dict[str, int] = {}
    for flow in flows:
        if flow.step not in PROCESSES or flow.kind not in {"used", "made"}:
            continue
        side = used if flow.kind == "used" else made
        side[flow.step] = side.get(flow.step, 0) + flow.reo_g
        lines[flow.step] = lines.get(flow.step, 0) + flow.moves
    return [Recovery(step, used.get(step, 0), made.get(step, 0), lines[step]) for step in sorted(lines)]


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


def stock_g(flows: Iterable[Flow]) -> Mapping[str, int]:
    """Net grams on hand of each product, by everything that ever moved."""
    found: dict[str, int] = {}
    for flow in flows:
        found[flow.product] = found.get(flow.product, 0) + KINDS[flow.kind].sign * flow.net_g
    return found


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
