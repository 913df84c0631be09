"""The rows of a month, plant by plant: what every report about it sums, whoever it is for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from monazite_consumers.rules.balances import Line, Recovery
from monazite_consumers.rules.caps import judge_then
from monazite_consumers.rules.exports import shown_as
from monazite_consumers.rules.grants import Grant, granted_g
from monazite_consumers.rules.registry import Registry
from monazite_contracts.catalogue import CapKind
from monazite_contracts.months import day_of, first_day, month_end
from monazite_contracts.quantities import divide_half_even, ppm
from monazite_contracts.report_lines import (
    AmendmentLine,
    BalanceLine,
    CapLine,
    ConditionLine,
    CoverageLine,
    DeclarationLine,
    FlowLine,
    OutputLine,
    Plant,
    ShipmentTotal,
)
from monazite_contracts.times import INSTANT_MAX

UNKNOWN = "unknown"
"""A product that no statement names: of a lot that nobody reported."""

NOBODY = "nobody"
"""Who runs a plant that no enterprise has ever run."""


@dataclass(slots=True)
class PlantRows:
    """One plant's month. `owing`: who ran it while they had to report."""

    plant: Plant
    owing: tuple[str, ...] = ()
    output: list[OutputLine] = field(default_factory=list)
    flows: list[FlowLine] = field(default_factory=list)
    balances: list[BalanceLine] = field(default_factory=list)
    coverage: list[CoverageLine] = field(default_factory=list)
    shipments: list[ShipmentTotal] = field(default_factory=list)
    declarations: list[DeclarationLine] = field(default_factory=list)
    conditions: list[ConditionLine] = field(default_factory=list)

    def sort(self) -> None:
        """In the order of their words, not the database's."""
        self.output.sort(key=lambda line: (line.activity, line.product, line.origin))
        self.flows.sort(key=lambda line: (line.product, line.unit))
        self.balances.sort(key=lambda line: (line.step, line.element))
        self.coverage.sort(key=lambda line: line.product)

    @property
    def is_silent(self) -> bool:
        """Nothing is told of it."""
        return not any((self.flows, self.shipments, self.declarations, self.conditions))


class OpenShipment(NamedTuple):
    """A shipment that somebody must still act on; there may be a thousand of each plant, of which few are written."""

    shipment: str
    consignor: str
    consignee: str
    state: str
    actor: str
    due_at: datetime | None
    dispatched_at: datetime | None
    net_g: int

    @property
    def order(self) -> tuple[bool, datetime, str]:
        """The most urgent is the smallest."""
        return self.due_at is None, self.due_at or INSTANT_MAX, self.shipment

    def shown(self, products: Sequence[str | None]) -> "OpenShipment":
        """As everybody may read it, by the products that are on it."""
        shipment, consignor, consignee = (shown_as(each, products) for each in self[:3])
        return self._replace(shipment=shipment, consignor=consignor, consignee=consignee)


class Counted(NamedTuple):
    """How many shipments are open, and how many of them overdue."""

    open: int
    overdue: int


class Since(NamedTuple):
    """Where an earlier report stood: the newest message that played a part, and as of when it was judged."""

    message: int
    judged_at: datetime


FROM_THE_START = Since(0, datetime.min.replace(tzinfo=UTC))


class Amended(NamedTuple):
    """A plant's amendments of a month: the newest of them, and how many there are in all."""

    lines: list[AmendmentLine]
    total: int


@dataclass(frozen=True, slots=True)
class MonthRows:
    """A whole month.

    `answering`: alerts about enterprises and caps, by enterprise. `held`: every alert that is raised, whomever it is
    about. `open_pairs`: how many open shipments there are, by
    consignor and consignee; `open_shipments`: the most urgent of each plant, each once. `amended`: what was decided
    since an earlier report, by plant.
    """

    month: str
    plants: Mapping[str, PlantRows]
    caps: Sequence[CapLine]
    answering: Mapping[str, Sequence[ConditionLine]]
    held: frozenset[str]
    open_shipments: Sequence[OpenShipment]
    open_pairs: Mapping[tuple[str, str], Counted]
    amended: Mapping[Since, Mapping[str, Amended]]


def span(month: str) -> tuple[date, date]:
    """First and last day of a month."""
    return first_day(month), day_of(month_end(month)) - timedelta(days=1)


def plant_of(code: str, month: str, registry: Registry) -> tuple[Plant, bool]:
    """A plant as it stood in a month, and whether somebody ran it then."""
    first, last = span(month)
    operator, turn, ran = None, first, False
    while turn <= last:
        found = registry.operator(code, turn)
        operator, ran = (found, True) if found is not None else (operator, ran)
        turn = registry.next_turn(turn, last + timedelta(days=1))
    known, enterprise = registry.plants.get(code), operator or registry.last_operator(code, last) or NOBODY
    province = known.province if known is not None else UNKNOWN
    plant = Plant(
        code=code, name=known.name if known is not None else code, enterprise=enterprise,
        enterprise_name=enterprise_name(enterprise, registry), province=province, province_name=province,
    )  # fmt: skip
    return plant, ran


def enterprise_name(code: str, registry: Registry) -> str:
    """As registered, or its code."""
    found = registry.enterprises.get(code)
    return found.name if found is not None else code


def flow_lines(plant: str, product: str, net: Line, reo: Line) -> Iterator[FlowLine]:
    """Opening + in + made - used - shipped - lost = closing, in grams of product and of REO."""
    for unit, line in (("product", net), ("reo", reo)):
        if any(line):
            yield FlowLine.model_validate({
                "plant": plant, "product": product or UNKNOWN, "unit": unit, "opening_g": line.opening,
                "in_g": line.came_in, "made_g": line.made, "used_g": line.used, "shipped_g": line.shipped,
                "lost_g": line.lost, "closing_g": line.closing,
            })  # fmt: skip


def balance_line(plant: str, element: str, recovery: Recovery, registry: Registry) -> BalanceLine:
    """Feed against product of a process step, for REO or an element's oxide; bands are of REO."""
    known = registry.recoveries.get(recovery.step) if element == "REO" else None
    return BalanceLine(
        plant=plant, step=recovery.step, element=element, used_g=recovery.used_g, made_g=recovery.made_g,
        uncertainty_g=recovery.uncertainty_g(registry.settings.assay_uncertainty_ppm), recovery_ppm=recovery.rate_ppm,
        low_ppm=ppm(known.low_pct) if known is not None else None,
        high_ppm=ppm(known.high_pct) if known is not None else None,
    )  # fmt: skip


DaysDrawn = Mapping[tuple[str, str], tuple[Sequence[date], Sequence[int]]]
"""By holder and kind: the days of a year on which anything was drawn, in order, and the grams of each."""


def cap_lines(month: str, drawn: DaysDrawn, registry: Registry) -> Iterator[CapLine]:
    """Every account at a month's end."""
    first, last = span(month)
    granted = {
        (holder, kind.value): tuple(g for g in registry.grants(holder, year, kind) if g.day <= last)
        for holder, year, kind in registry.granted_caps()
        if year == last.year
    }
    for holder, kind in sorted({*drawn, *(key for key, grants in granted.items() if grants)}):
        yield _cap_line(holder, kind, drawn.get((holder, kind), ((), ())), granted.get((holder, kind), ()),
                        (first, last), registry)  # fmt: skip


def _cap_line(  # noqa: PLR0913, PLR0917 - an account, its month, and whose it is
    holder: str, kind: str, drawn: tuple[Sequence[date], Sequence[int]], grants: tuple[Grant, ...],
    month: tuple[date, date], registry: Registry,
) -> CapLine:  # fmt: skip
    first, last = month
    days, by_day_g = drawn
    drawn_g, days_so_far = sum(by_day_g), last.timetuple().tm_yday
    days_in_year = date(last.year, 12, 31).timetuple().tm_yday
    overrun, _ = judge_then(days, by_day_g, grants)
    issued_g = granted_g(grants, last) if grants else None
    return CapLine(
        holder=holder, name=enterprise_name(holder, registry), group=registry.group(holder, last),
        kind=CapKind(kind).value, granted_g=issued_g, drawn_g=drawn_g,
        headroom_g=None if issued_g is None else issued_g - drawn_g,
        drawn_in_month_g=sum(g for day, g in zip(days, by_day_g, strict=True) if day >= first),
        rate_g_per_day=divide_half_even(drawn_g, days_so_far),
        projected_g=divide_half_even(drawn_g * days_in_year, days_so_far),
        overrun_then_g=overrun.peak_g if overrun is not None else 0,
    )  # fmt: skip
