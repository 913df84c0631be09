"""Shipments: both sides of a waybill held against each other, what is wrong with it, and who must act next."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from monazite_consumers.rules.exports import export_problems, is_abroad, shown_as
from monazite_consumers.rules.keys import is_outside, read_shipment_key
from monazite_consumers.rules.missing_goods import (
    ever_said,
    named_since,
    short_since,
    taken_since,
    unanswered_since,
    unsent_since,
)
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.shipment_states import TASKS, State
from monazite_consumers.rules.waybills import (
    Beyond,
    Said,
    Sides,
    Word,
    accepts,
    came_back,
    came_before_they_left,
    expected_at,
    named_by,
    sides_of,
    stands,
    when,
)
from monazite_contracts import statements as st
from monazite_contracts.catalogue import PRODUCTS, Stage
from monazite_contracts.months import day_of
from monazite_contracts.quantities import PPM, grams

LINES_MAX: Final = 10
"""That a finding names one by one."""


_REFUSED: Final = frozenset({State.REFUSED, State.PARTLY_REFUSED})
_ON_THE_WAY: Final = frozenset({State.UNDER_WAY, State.LEFT})


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

    def shown(self, party: str) -> str:
        """A party, or this shipment, as everybody may read it."""
        return shown_as(party, [line.product for line in self.lines])

    def told(self) -> dict[str, Any]:
        """As findings name it."""
        return {"shipment": self.shown(self.key), "consignee": self.shown(self.consignee)}


class Noted(NamedTuple):
    """What is wrong with a shipment. `at`: from when it settles; `on`: the day of the month that it counts into."""

    rule: str
    subject: str
    on: datetime
    at: datetime
    measure: int
    detail: dict[str, Any]


def returned(shipment: Shipment) -> dict[str, int]:
    """Grams of each lot that the consignee refused, and nobody accepted: they are the consignor's again."""
    refused = {line.lot: min(line.refused_g, line.sent_g - line.accepted_g) for line in shipment.lines}
    return {lot: net_g for lot, net_g in refused.items() if net_g > 0}


def judge_shipment(
    key: str, said: Sequence[Said[Any]], registry: Registry, beyond: Beyond
) -> tuple[Shipment, tuple[Noted, ...]]:
    """Both sides of one shipment, whatever came first; `said` holds at least one statement."""
    sides = sides_of(said)
    shipment = _as_it_stands(key, sides, registry, beyond)
    return shipment, tuple(_noted(shipment, sides, registry, beyond.past))


def _as_it_stands(key: str, sides: Sides, registry: Registry, beyond: Beyond) -> Shipment:
    consignor, waybill = read_shipment_key(key)
    consignee = _consignee(sides)
    lines = _lines(sides, consignee)
    is_return = not sides.dispatches and came_back(beyond.back, registry.mass_tolerance_ppm(None))
    state = State.RECEIVED if is_return else _state(sides, lines, consignee, registry)
    dispatched_at = when(sides.dispatches[0]) if sides.dispatches else None
    counted = sides.heard if sides.dispatches else sides.receipts
    received_at = when(counted[0]) if counted and state not in _ON_THE_WAY else None
    actor, due_at = None, None
    if state is State.UNDER_WAY:
        actor, due_at = consignee, expected_at(sides, registry.settings, named_since(sides, beyond.past))
    elif state in TASKS and (state not in _REFUSED or any(_differs(line, registry) for line in lines)):
        actor, due_at = _who_answers(consignor, consignee, sides, registry)
    return Shipment(
        key, consignor, waybill, consignee, state, actor, due_at, dispatched_at, received_at, lines
    )  # fmt: skip


def _consignee(sides: Sides) -> str:
    """Whoever the consignor named last; without a dispatch, whoever took the goods in."""
    if not sides.dispatches and sides.receipts:
        return sides.receipts[0].plant
    return named_by(sides.namings[-1])


def _lines(sides: Sides, consignee: str) -> tuple[Line, ...]:
    sent: dict[str, int] = defaultdict(int)
    products: dict[str, str] = {}
    accepted: dict[str, int] = defaultdict(int)
    refused: dict[str, int] = defaultdict(int)
    for dispatch in sides.dispatches:
        for line in dispatch.data.lines:
            sent[line.lot] += grams(line.net_mass_kg)
            products[line.lot] = line.product
    for receipt in sides.heard if sides.dispatches else sides.receipts:
        is_answer = not sides.dispatches or stands(receipt, sides, consignee)
        for found in receipt.data.lines:
            accepted[found.lot] += grams(found.accepted_kg)
            refused[found.lot] += grams(found.refused_kg) if is_answer else 0
    return tuple(
        Line(lot, products.get(lot), sent[lot], accepted[lot], refused[lot])
        for lot in sorted({*sent, *accepted, *refused})
    )


def _state(sides: Sides, lines: Sequence[Line], consignee: str, registry: Registry) -> State:
    if not sides.dispatches:
        return State.NOT_DISPATCHED
    missing = [line.missing_g for line in lines if _differs(line, registry)]
    has_spoken = any(stands(each, sides, consignee) for each in sides.heard)
    if not sides.heard or (not has_spoken and any(gap_g > 0 for gap_g in missing)):
        return State.LEFT if is_outside(consignee) else State.UNDER_WAY
    if any(line.refused_g for line in lines):
        return State.PARTLY_REFUSED if any(line.accepted_g for line in lines) else State.REFUSED
    if not missing:
        return State.RECEIVED
    return State.SHORT if max(missing) > 0 else State.OVER


def _differs(line: Line, registry: Registry) -> bool:
    tolerance_ppm = registry.mass_tolerance_ppm(line.product)
    return abs(line.missing_g) * PPM > tolerance_ppm * line.sent_g


def _who_answers(consignor: str, consignee: str, sides: Sides, registry: Registry) -> tuple[str, datetime]:
    told = [*(each.arrived_at for each in sides.heard or sides.receipts)]
    told += [each.arrived_at for each in sides.redirects]
    answers = consignee if is_outside(consignor) else consignor  # who is not on the register cannot answer
    return answers, max(told) + timedelta(days=registry.settings.answer_days)


def _noted(shipment: Shipment, sides: Sides, registry: Registry, past: Sequence[Word]) -> Iterator[Noted]:
    if not sides.dispatches:
        yield from _about_nothing_sent(shipment, sides, past)
        return
    yield from _about_overdue(shipment, sides, registry, past)
    yield from _about_sides(shipment, sides, registry, past)
    yield from _about_instants(shipment, sides, registry)
    yield from _about_takers(shipment, sides, past)
    yield from _about_parties(shipment, sides, registry)
    for each in sides.dispatches:
        for rule, more in export_problems(shipment.consignor, shipment.consignee, each.data, registry):
            papers = {"shipment": shipment.key, **more}
            yield Noted(rule, shipment.consignor, when(each), each.arrived_at, 1, papers)


def _about_nothing_sent(shipment: Shipment, sides: Sides, past: Sequence[Word]) -> Iterator[Noted]:
    for each in sides.receipts[:1] if shipment.state is State.NOT_DISPATCHED else ():
        told = {**shipment.told(), "consignor": shipment.shown(shipment.consignor)}
        since = unsent_since(sides.receipts, past)
        yield Noted("receipt-without-dispatch", each.plant, when(each), since, 1, told)
    for redirect in sides.redirects[:1]:
        since = unsent_since(sides.redirects, [word for word in past if word.kind == "dispatched"])
        yield Noted("redirect-without-dispatch", redirect.plant, when(redirect), since, 1, shipment.told())


def _about_overdue(shipment: Shipment, sides: Sides, registry: Registry, past: Sequence[Word]) -> Iterator[Noted]:
    if shipment.state is not State.UNDER_WAY or shipment.due_at is None:
        return
    due = {**shipment.told(), "due_at": shipment.due_at.isoformat(), "consignor": shipment.consignor}
    since = max(shipment.due_at, named_since(sides, past), unanswered_since(ever_said(sides, past, registry)))
    yield Noted("shipment-overdue", shipment.consignee, shipment.due_at, since, 1, due)


def _about_sides(shipment: Shipment, sides: Sides, registry: Registry, past: Sequence[Word]) -> Iterator[Noted]:
    consignor = shipment.consignor
    if len(sides.dispatches) > 1:
        second = sides.dispatches[1]
        reused = len(sides.dispatches)
        yield Noted("waybill-reused", consignor, when(second), second.arrived_at, reused, shipment.told())
    if sides.heard and shipment.state not in _ON_THE_WAY:
        received = sides.heard[-1]
        for rule, gap_g, lines in _differences(shipment.lines, registry):
            told = {**shipment.told(), "lines": [line.told() for line in lines[:LINES_MAX]]}
            told_at = max(each.arrived_at for each in sides.heard)
            if rule == "shipment-short":
                told_at = short_since(ever_said(sides, past, registry))
            yield Noted(rule, consignor, when(received), told_at, gap_g, told)


def _about_instants(shipment: Shipment, sides: Sides, registry: Registry) -> Iterator[Noted]:
    """Each plant that received the goods before they were dispatched, by its first receipt."""
    left = sides.dispatches[0]
    for plant, first in {each.plant: each for each in reversed(sides.receipts)}.items():
        if came_before_they_left(when(left), when(first), registry.settings):
            instants = {"dispatched_at": when(left).isoformat(), "received_at": when(first).isoformat()}
            told = {**shipment.told(), **instants}
            yield Noted("receipt-before-dispatch", plant, when(first), max(left.arrived_at, first.arrived_at), 1, told)


def _differences(lines: Sequence[Line], registry: Registry) -> Iterator[tuple[str, int, list[Line]]]:
    """Each way in which a receipt differs, in grams, with its lines: a refusal does not hide what is missing."""
    apart = [line for line in lines if _differs(line, registry)]
    if refused := [line for line in lines if line.refused_g]:
        yield "shipment-refused", sum(line.refused_g for line in refused), refused
    if short := [line for line in apart if line.missing_g > 0]:
        yield "shipment-short", sum(line.missing_g for line in short), short
    if over := [line for line in apart if line.missing_g < 0]:
        yield "shipment-over", -sum(line.missing_g for line in over), over


def _about_takers(shipment: Shipment, sides: Sides, past: Sequence[Word]) -> Iterator[Noted]:
    """Each plant that took in what was never sent to it, by its first receipt."""
    takers = {each.plant: each for each in reversed(sides.receipts) if accepts(each)}
    for plant in sorted(takers.keys() - sides.named):
        told = {**shipment.told(), "taken_in_by": plant}
        since = taken_since(sides, past, plant)
        yield Noted("shipment-misdelivered", plant, when(takers[plant]), since, 1, told)


def _about_parties(shipment: Shipment, sides: Sides, registry: Registry) -> Iterator[Noted]:
    takers = {each.plant for each in sides.receipts if accepts(each)}
    for naming in sides.namings:
        party = named_by(naming)
        if party != shipment.consignee and party not in takers:
            continue  # nothing of it has come there
        for line in shipment.lines:
            if line.product is not None and not _may_take(party, line.product, naming, registry):
                told = {**shipment.told(), "consignee": shipment.shown(party), "product": line.product}
                yield Noted(
                    "consignee-not-entitled", shipment.consignor, when(naming), naming.arrived_at, line.sent_g, told
                )
                return


def _may_take(consignee: str, product: str, naming: Said[st.Statement], registry: Registry) -> bool:
    """On the day on which it was named.

    Ore products go to listed enterprises only (785 arts 8, 13), or abroad; a plant must be on the register.
    """
    if is_outside(consignee):
        return is_abroad(consignee) or PRODUCTS[product].stage is not Stage.ORE
    day = day_of(when(naming))
    if registry.operator(consignee, day) is None:
        return False
    return PRODUCTS[product].stage is not Stage.ORE or registry.takes_ore(consignee, day)
