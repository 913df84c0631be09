"""Shipments: both sides of a waybill held against each other, what is wrong with it, and who must act next."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar

from monazite_consumers.rules.moves import consignor_of
from monazite_consumers.rules.registry import Registry
from monazite_contracts import statements as st
from monazite_contracts.catalogue import PRODUCTS, Stage
from monazite_contracts.months import day_of
from monazite_contracts.quantities import PPM, grams

HOME: Final = "CN"

LINES_MAX: Final = 10
"""That a finding names one by one."""


class State(StrEnum):
    """How far a shipment has come."""

    UNDER_WAY = "under way"
    RECEIVED = "received"
    SHORT = "short"
    OVER = "over"
    PARTLY_REFUSED = "partly refused"
    REFUSED = "refused"
    LEFT = "left the register"
    """To somebody who does not report: nobody will state that it arrived."""
    NOT_DISPATCHED = "not dispatched"


TASKS: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.UNDER_WAY: "state the receipt",
        State.SHORT: "weigh again, and correct",
        State.OVER: "weigh again, and correct",
        State.PARTLY_REFUSED: "look for what is missing, and correct",
        State.REFUSED: "look for what is missing, and correct",
        State.NOT_DISPATCHED: "state the dispatch",
    }
)
"""What whoever must act is to do. What was refused is the consignor's stock again, without another word; somebody
must act only if part of it was neither accepted nor refused."""


_REFUSED: Final = frozenset({State.REFUSED, State.PARTLY_REFUSED})

Data_co = TypeVar("Data_co", bound=st.Statement, covariant=True)


class Said(NamedTuple, Generic[Data_co]):
    """A current statement about a shipment."""

    plant: str
    data: Data_co
    arrived_at: datetime


class Line(NamedTuple):
    """One lot of a shipment, in grams."""

    lot: str
    product: str | None
    sent_g: int
    accepted_g: int
    refused_g: int

    @property
    def missing_g(self) -> int:
        """Sent, and neither accepted nor refused; negative: more was found than was sent."""
        return self.sent_g - self.accepted_g - self.refused_g

    def told(self) -> Mapping[str, Any]:
        """As findings show it."""
        return {"lot": self.lot, "sent_g": self.sent_g, "accepted_g": self.accepted_g, "refused_g": self.refused_g}


class Shipment(NamedTuple):
    """One shipment as it stands. `actor`: the plant that must act next, by `due_at`; None where nobody must."""

    key: str
    consignor: str
    waybill: str
    consignee: str
    state: State
    actor: str | None
    due_at: datetime | None
    dispatched_at: datetime | None
    received_at: datetime | None
    lines: tuple[Line, ...]


class Noted(NamedTuple):
    """What is wrong with a shipment. `at`: from when it settles; `on`: the day of the month that it counts into."""

    rule: str
    subject: str
    on: datetime
    at: datetime
    measure: int
    detail: Mapping[str, Any]


def returned(shipment: Shipment) -> dict[str, int]:
    """Grams of each lot that the consignee refused and that were sent to it: they are the consignor's again."""
    refused = {line.lot: min(line.refused_g, line.sent_g - line.accepted_g) for line in shipment.lines}
    return {lot: net_g for lot, net_g in refused.items() if net_g > 0}


def judge_shipment(key: str, said: Sequence[Said[Any]], registry: Registry) -> tuple[Shipment, tuple[Noted, ...]]:
    """Both sides of one shipment, whatever came first; `said` holds at least one statement."""
    sides = _Sides.of(said)
    shipment = _as_it_stands(key, sides, registry)
    return shipment, tuple(_noted(shipment, sides, registry))


class _Sides(NamedTuple):
    dispatches: list[Said[st.Dispatched]]
    redirects: list[Said[st.DestinationChanged]]
    receipts: list[Said[st.Received]]

    @property
    def named(self) -> st.Party | None:
        """Whom the consignor named last."""
        if self.redirects:
            return self.redirects[-1].data.consignee
        return self.dispatches[0].data.consignee if self.dispatches else None

    @classmethod
    def of(cls, said: Sequence[Said[Any]]) -> "_Sides":
        sides = cls([], [], [])
        for each in sorted(said, key=lambda s: (_when(s), s.arrived_at, s.plant)):
            if isinstance(each.data, st.Dispatched):
                sides.dispatches.append(each)
            elif isinstance(each.data, st.Received):
                sides.receipts.append(each)
            else:
                sides.redirects.append(each)
        return sides


def _when(said: Said[st.Statement]) -> datetime:
    return st.INSTANT_OF[type(said.data)](said.data)


def _as_it_stands(key: str, sides: _Sides, registry: Registry) -> Shipment:
    consignor, _, waybill = key.rpartition("/") if key.startswith("@") else key.partition("/")
    sent = sides.dispatches[0] if sides.dispatches else None
    received = sides.receipts[0] if sides.receipts else None
    lines = _lines(sides, consignee := _consignee(sides))
    state = _state(sides, lines, registry)
    dispatched_at = _when(sent) if sent else None
    received_at = _when(received) if received else None
    actor, due_at = None, None
    if state in TASKS and (state not in _REFUSED or any(_differs(line, registry) for line in lines)):
        actor, due_at = _who_acts(state, consignor, consignee, sides, registry)
    return Shipment(
        key, consignor, waybill, consignee, state, actor, due_at, dispatched_at, received_at, lines
    )  # fmt: skip


def _consignee(sides: _Sides) -> str:
    """Whoever the consignor named last; without a dispatch, whoever took the goods in."""
    if not sides.dispatches and sides.receipts:
        return sides.receipts[0].plant
    assert sides.named is not None  # noqa: S101 - there is a statement
    return consignor_of(sides.named)


def _lines(sides: _Sides, consignee: str) -> tuple[Line, ...]:
    sent: dict[str, int] = defaultdict(int)
    products: dict[str, str] = {}
    accepted: dict[str, int] = defaultdict(int)
    refused: dict[str, int] = defaultdict(int)
    for dispatch in sides.dispatches:
        for line in dispatch.data.lines:
            sent[line.lot] += grams(line.net_mass_kg)
            products[line.lot] = line.product
    for receipt in sides.receipts:
        if receipt.plant == consignee or not sides.dispatches:
            for found in receipt.data.lines:
                accepted[found.lot] += grams(found.accepted_kg)
                refused[found.lot] += grams(found.refused_kg)
    return tuple(
        Line(lot, products.get(lot), sent[lot], accepted[lot], refused[lot])
        for lot in sorted({*sent, *accepted, *refused})
    )


def _state(sides: _Sides, lines: Sequence[Line], registry: Registry) -> State:
    if not sides.dispatches:
        return State.NOT_DISPATCHED
    if not sides.receipts:
        return State.UNDER_WAY if isinstance(sides.named, st.RegisteredParty) else State.LEFT
    if any(line.refused_g for line in lines):
        return State.PARTLY_REFUSED if any(line.accepted_g for line in lines) else State.REFUSED
    missing = [line.missing_g for line in lines if _differs(line, registry)]
    if not missing:
        return State.RECEIVED
    return State.SHORT if max(missing) > 0 else State.OVER


def _differs(line: Line, registry: Registry) -> bool:
    tolerance_ppm = registry.mass_tolerance_ppm(line.product)
    return abs(line.missing_g) * PPM > tolerance_ppm * line.sent_g


def _who_acts(state: State, consignor: str, consignee: str, sides: _Sides, registry: Registry) -> tuple[str, datetime]:
    settings = registry.settings
    if state is State.UNDER_WAY:
        sent = sides.dispatches[0].data
        due_at = sent.expected_at or sent.dispatched_at + timedelta(days=settings.transit_days)
        return consignee, due_at
    told = [*(each.arrived_at for each in sides.receipts), *(each.arrived_at for each in sides.redirects)]
    answers = consignee if consignor.startswith("@") else consignor  # who is not on the register cannot answer
    return answers, max(told) + timedelta(days=settings.answer_days)


def _noted(shipment: Shipment, sides: _Sides, registry: Registry) -> Iterator[Noted]:
    yield from _about_sides(shipment, sides, registry)
    yield from _about_parties(shipment, sides, registry)
    for each in sides.dispatches:
        yield from _about_export(shipment, each, registry)


def _about_sides(shipment: Shipment, sides: _Sides, registry: Registry) -> Iterator[Noted]:
    detail: dict[str, Any] = {"shipment": shipment.key, "consignee": shipment.consignee}
    if len(sides.dispatches) > 1:
        second = sides.dispatches[1]
        yield Noted(
            "waybill-reused", shipment.consignor, _when(second), second.arrived_at, len(sides.dispatches), detail
        )
    if shipment.state is State.UNDER_WAY and shipment.due_at is not None:
        sent = sides.dispatches[0]
        due = detail | {"due_at": shipment.due_at.isoformat(), "consignor": shipment.consignor}
        yield Noted(
            "shipment-overdue", shipment.consignee, shipment.due_at, max(shipment.due_at, sent.arrived_at), 1, due
        )
    if sides.dispatches and sides.receipts:
        received = sides.receipts[-1]
        for rule, gap_g, lines in _differences(shipment.lines, registry):
            told = detail | {"lines": [line.told() for line in lines[:LINES_MAX]]}
            yield Noted(rule, shipment.consignor, _when(received), received.arrived_at, gap_g, told)
    if shipment.state is State.NOT_DISPATCHED:
        for each in sides.receipts[:1]:
            yield Noted(
                "receipt-without-dispatch", each.plant, _when(each), each.arrived_at, 1,
                detail | {"consignor": shipment.consignor},
            )  # fmt: skip
        for redirect in sides.redirects[:1]:
            yield Noted("redirect-without-dispatch", redirect.plant, _when(redirect), redirect.arrived_at, 1, detail)


def _differences(lines: Sequence[Line], registry: Registry) -> Iterator[tuple[str, int, list[Line]]]:
    """Each way in which a receipt differs, in grams, with its lines: a refusal does not hide what is missing."""
    apart = [line for line in lines if _differs(line, registry)]
    if refused := [line for line in lines if line.refused_g]:
        yield "shipment-refused", sum(line.refused_g for line in refused), refused
    if short := [line for line in apart if line.missing_g > 0]:
        yield "shipment-short", sum(line.missing_g for line in short), short
    if over := [line for line in apart if line.missing_g < 0]:
        yield "shipment-over", -sum(line.missing_g for line in over), over


def _about_parties(shipment: Shipment, sides: _Sides, registry: Registry) -> Iterator[Noted]:
    if not sides.dispatches:
        return
    for each in sides.receipts:
        if each.plant != shipment.consignee:
            detail = {"shipment": shipment.key, "consignee": shipment.consignee, "taken_in_by": each.plant}
            yield Noted("shipment-misdelivered", each.plant, _when(each), each.arrived_at, 1, detail)
            break
    sent = sides.dispatches[0]
    for line in shipment.lines:
        if line.product is not None and not _may_take(shipment.consignee, line.product, sent, registry):
            detail = {"shipment": shipment.key, "consignee": shipment.consignee, "product": line.product}
            yield Noted("consignee-not-entitled", shipment.consignor, _when(sent), sent.arrived_at, line.sent_g, detail)
            break


def _may_take(consignee: str, product: str, sent: Said[st.Statement], registry: Registry) -> bool:
    """Ore products go to listed enterprises only (785 arts 8, 13), or abroad; a plant must be on the register."""
    if consignee.startswith("@"):
        return not consignee.startswith(f"@{HOME} ") or PRODUCTS[product].stage is not Stage.ORE
    day = day_of(_when(sent))
    if registry.operator(consignee, day) is None:
        return False
    return PRODUCTS[product].stage is not Stage.ORE or registry.takes_ore(consignee, day)


def _about_export(shipment: Shipment, said: Said[st.Dispatched], registry: Registry) -> Iterator[Noted]:
    sent = said.data
    abroad = shipment.consignee.startswith("@") and not shipment.consignee.startswith(f"@{HOME} ")
    papers = sent.export
    if papers is None and not abroad:
        return
    at, day = _when(said), day_of(_when(said))
    detail: dict[str, Any] = {"shipment": shipment.key, "licence": papers.licence if papers else None}

    def noted(rule: str, **more: Any) -> Noted:
        return Noted(rule, shipment.consignor, at, said.arrived_at, 1, detail | more)

    if papers is None:
        yield noted("export-papers-missing")
        return
    licensed = sorted({line.product for line in sent.lines if PRODUCTS[line.product].licensed})
    if not licensed:
        return
    licence = registry.licences.get(papers.licence or "")
    if licence is None:
        yield noted("export-unlicensed", products=licensed)
        return
    if licence.enterprise not in registry.answerable(shipment.consignor, day) or not licence.holds_on(day):
        yield noted("export-licence-invalid", since=f"{licence.since}", until=f"{licence.until}")
    if outside := sorted(set(licensed) - set(licence.products)):
        yield noted("export-out-of-scope", products=outside)
    if (papers.destination, papers.end_user) != (licence.destination, licence.end_user):
        yield noted("export-other-party", destination=papers.destination, end_user=papers.end_user)
