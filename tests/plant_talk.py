"""Strategies: what plants may say and regulators may change, at fixed coordinates, and in which order it is decided."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args

from hypothesis import strategies as st
from regulator_desk import (
    Declared,
    Gateway,
    Json,
    Message,
    a_key,
    a_message,
    a_plant,
    again,
    an_allocation,
    an_enterprise,
    key_id_of,
)

from monazite_consumers.rules.entries import (
    Approval,
    Duty,
    Licence,
    Membership,
    Operation,
    Plant,
    Recovery,
    Settings,
    Succession,
)
from monazite_contracts.builders import (
    a_blend,
    a_change_of_destination,
    a_correction,
    a_declaration,
    a_dispatch,
    a_flow_line,
    a_loss,
    a_nil_declaration,
    a_production,
    a_receipt_of_goods,
    a_scrap_intake,
    a_separation,
    a_signing_key,
    a_split,
    a_stocktake,
    a_target,
    a_void,
    an_assay,
    an_assay_finalised,
    an_import,
    an_input,
    an_oxide_assay,
)
from monazite_contracts.catalogue import CapKind
from monazite_contracts.envelope import value_hash
from monazite_contracts.events import STREAMS_OF_TYPE, Stream

OPENS_AT = datetime(2023, 12, 29, tzinfo=UTC)
FIRST_ARRIVAL = datetime(2023, 12, 30, tzinfo=UTC)
ENDS_AT = datetime(2024, 1, 20, tzinfo=UTC)
"""Everything has arrived and settled, or not, by then."""

MINE, SEPARATION, RECYCLER = "ordos-mine", "ordos-separation", "ganzhou-recycler"
PLANTS = (MINE, SEPARATION, RECYCLER)
GATEWAYS = ("gw-1", "gw-2")
DAYS = (date(2023, 12, 30), date(2023, 12, 31), date(2024, 1, 1), date(2024, 1, 2))

# --- statements


def _period(day: date) -> Json:
    return {"start": f"{day}T00:00:00+08:00", "end": f"{day + timedelta(days=1)}T00:00:00+08:00"}


def _mass(tonnes: int) -> Json:
    return {"net_mass_kg": f"{tonnes}000.000", "claimed_reo_kg": f"{tonnes * 552}.000"}


def _mined(product: str) -> Callable[..., Json]:
    def make(plant: str, record: str, day: date, tonnes: int) -> Json:
        told = {"oxides_pct": {"Nd": "16.0000", "Ce": f"{tonnes}0.0000"}} if tonnes % 2 else {}
        made = _mass(tonnes) | {"assay": an_assay(**told)}
        return a_production(plant=plant, record=record, product=product, period=_period(day), **made)

    return make


def _separated(*products: str) -> Callable[..., Json]:
    def make(plant: str, record: str, day: date, tonnes: int) -> Json:
        inputs = [
            an_input(product=p, lot=f"{MINE}/R-{n}", assay=an_oxide_assay(treo_pct="60.0001"))
            for n, p in enumerate(products, 1)
        ]
        return a_separation(plant=plant, record=record, period=_period(day), inputs=inputs, **_mass(tonnes))

    return make


def _recovered(plant: str, record: str, day: date, tonnes: int) -> Json:
    used = [an_input(product="bastnaesite-concentrate")] if tonnes > 3 else []
    changes = {"activity": "recovered", "origin": "recycled", "inputs": used, "period": _period(day)}
    return a_separation(plant=plant, record=record, **changes, **_mass(tonnes))


def _rehearsed(plant: str, record: str, day: date, tonnes: int) -> Json:
    return a_production(plant=plant, record=record, period=_period(day), test=True, **_mass(tonnes))


def _blended(plant: str, record: str, day: date, tonnes: int) -> Json:
    made = {"lot": f"{plant}/R-1", "net_mass_kg": f"{tonnes}.000", "blended_at": f"{day}T09:00:00+08:00"}
    return a_blend(plant=plant, record=record, **made)


def _taken_in(plant: str, record: str, day: date, tonnes: int) -> Json:
    return a_scrap_intake(plant=plant, record=record, taken_in_at=f"{day}T09:00:00+08:00", **_mass(tonnes))


def _refused(plant: str, record: str, day: date, tonnes: int) -> Json:
    return a_production(plant=plant, record=record, period=_period(day), net_mass_kg=f"{tonnes} t")


def _straddling(plant: str, record: str, day: date, tonnes: int) -> Json:
    period = {"start": "2023-12-31T00:00:00+08:00", "end": "2024-01-02T00:00:00+08:00"}
    return a_production(plant=plant, record=record, period=period, **_mass(tonnes))


def _at(day: date, tonnes: int) -> str:
    return f"{day}T{8 + tonnes:02d}:00:00+08:00"


def _elsewhere(plant: str, tonnes: int) -> Json:
    """A consignee: another plant, or somebody abroad."""
    if tonnes == 6:
        return {"kind": "named", "name": "Invented Magnet GmbH", "country": "DE"}
    return {"kind": "plant", "plant": PLANTS[(PLANTS.index(plant) + 1 + tonnes % 2) % 3]}


def _dispatched(plant: str, record: str, day: date, tonnes: int) -> Json:
    line = {"lot": f"{MINE}/R-{tonnes % 3}", "product": "dysprosium-oxide", "net_mass_kg": f"{tonnes}000.000"}
    papers = {"declaration": "1", "destination": "DE", "end_user": "Invented Magnet GmbH", "licence": f"L-{tonnes % 2}"}
    export = {"export": papers} if tonnes == 6 and day != DAYS[0] else {}
    return a_dispatch(
        plant=plant, record=record, waybill=f"W-{record}", lines=[line], consignee=_elsewhere(plant, tonnes),
        dispatched_at=_at(day, tonnes), **export,
    )  # fmt: skip


def _received(plant: str, record: str, day: date, tonnes: int) -> Json:
    """From the mine, or back from abroad."""
    refused = tonnes % 3 == 0
    masses = {"accepted_kg": f"{tonnes}000.000", "refused_kg": f"{tonnes if refused else 0}00.000"}
    line = {"lot": f"{MINE}/R-{tonnes % 3}", "reason": "other"} | masses
    consignor = _elsewhere(plant, tonnes) if tonnes == 6 else {"kind": "plant", "plant": MINE}
    return a_receipt_of_goods(
        plant=plant, record=record, waybill=f"W-R-{tonnes % 4 + 1}", consignor=consignor,
        outcome="partly_refused" if refused else "accepted", lines=[line], received_at=_at(day, tonnes),
    )  # fmt: skip


def _redirected(plant: str, record: str, day: date, tonnes: int) -> Json:
    return a_change_of_destination(
        plant=plant, record=record, waybill=f"W-R-{tonnes % 4 + 1}", consignee=_elsewhere(plant, tonnes),
        changed_at=_at(day, tonnes),
    )  # fmt: skip


def _split(plant: str, record: str, day: date, tonnes: int) -> Json:
    parent = {"lot": f"{MINE}/R-{tonnes % 3}", "net_mass_kg": f"{tonnes}000.000"}
    children = [
        {"lot": f"{plant}/R-{tonnes}", "net_mass_kg": "700.000"},
        {"lot": f"{plant}/C", "net_mass_kg": "300.000"},
    ]
    return a_split(plant=plant, record=record, parent=parent, children=children, split_at=_at(day, tonnes))


def _lost(plant: str, record: str, day: date, tonnes: int) -> Json:
    return a_loss(plant=plant, record=record, lot=f"{MINE}/R-{tonnes % 3}", lost_at=_at(day, tonnes))


def _imported(plant: str, record: str, day: date, tonnes: int) -> Json:
    return an_import(plant=plant, record=record, imported_at=_at(day, tonnes), **_mass(tonnes))


def _declared(plant: str, record: str, day: date, tonnes: int) -> Json:
    line = a_flow_line(made_kg=f"{tonnes}000.000", shipped_kg="0.000", closing_kg=f"{tonnes}000.000")
    return a_declaration(plant=plant, record=record, month=f"{day:%Y-%m}", lines=[line])


def _counted(plant: str, record: str, day: date, tonnes: int) -> Json:
    counts = [{"product": "bastnaesite-concentrate", "net_mass_kg": f"{tonnes}000.000"}]
    return a_stocktake(plant=plant, record=record, counts=counts, taken_at=_at(day, tonnes))


STATEMENTS: dict[str, Callable[..., Json]] = {
    "rock": _mined("bastnaesite-concentrate"),
    "ionic": _mined("ionic-oxide-concentrate"),
    "separated": _separated("bastnaesite-concentrate"),
    "separated-partly-again": _separated("bastnaesite-concentrate", "lanthanum-oxide"),
    "separated-unsaid": _separated(),
    "recovered": _recovered,
    "rehearsed": _rehearsed,
    "blended": _blended,
    "taken-in": _taken_in,
    "dispatched": _dispatched,
    "received": _received,
    "redirected": _redirected,
    "split": _split,
    "lost": _lost,
    "imported": _imported,
    "declared": _declared,
    "counted": _counted,
    "refused": _refused,
    "straddling": _straddling,
}

USUAL = ("rock", "ionic", "separated", "separated-partly-again", "recovered")

Amendment = Literal["void", "weighed", "re-dated", "re-kinded", "relotted", "re-acted", "assay", "foreign-void"]


@dataclass(frozen=True)
class Said:
    """One event, and what it makes of the statement that it is about."""

    event: Json
    statement: Json


def _amended(target: Said, how: Amendment, number: int, day: date, tonnes: int) -> Said:
    """An amendment that names an event, sensible or not."""
    event, statement = target.event, target.statement
    record = f"A-{number}"
    if how == "void":
        return Said(a_void(event, record=record), statement)
    if how == "foreign-void":
        other = PLANTS[(PLANTS.index(event["source"]) + 1) % 3]
        return Said(a_void(event, plant=other, record=record), statement)
    if how == "assay":
        named = {"data": {"lot": statement["data"].get("lot", f"{event['source']}/R-1")}}
        finalised = an_assay_finalised(
            named | {"source": event["source"], "id": "", "recordid": ""}, **_assayed(tonnes, event, record)
        )
        return Said(finalised, statement)
    changed: Json = {
        "weighed": _mass(tonnes) if "claimed_reo_kg" in statement["data"] else {},
        "re-dated": {"period": _period(day)} if "period" in statement["data"] else {},
        "re-kinded": {"product": "ionic-oxide-concentrate"} if statement["data"].get("activity") == "mined" else {},
        "relotted": {"lot": f"{event['source']}/R-{tonnes}"},
        "re-acted": {"activity": "recovered"} if statement["data"].get("activity") == "separated" else {},
    }[how]
    corrected = statement | {"data": statement["data"] | changed}
    named = statement | {"id": event["id"], "source": event["source"]}
    correction = a_correction(named, changed, record=record, target=a_target(event))
    return Said(correction, corrected)


def _assayed(tonnes: int, event: Json, record: str) -> Json:
    assay = an_assay(treo_pct=f"{50 + tonnes}.5000")
    return {"plant": event["source"], "record": record, "assay": assay, "target": a_target(event)}


@st.composite
def statements(draw: Any) -> list[Said]:
    """Statements and amendments of three plants, with few record numbers, so that they meet."""
    said: list[Said] = []
    for number in range(draw(st.integers(3, 14))):
        day, tonnes = draw(st.sampled_from(DAYS)), draw(st.integers(1, 6))
        if said and draw(st.integers(0, 9)) < 6:
            target = draw(st.sampled_from((said[-1], *said)))
            if target.statement["data"].get("net_mass_kg", "").endswith("t"):
                continue
            said.append(_amended(target, draw(st.sampled_from(get_args(Amendment))), number, day, tonnes))
            continue
        make = STATEMENTS[draw(st.sampled_from(USUAL * 2 + tuple(STATEMENTS)))]
        event = make(draw(st.sampled_from((MINE, *PLANTS))), f"R-{draw(st.integers(1, 4))}", day, tonnes)
        said.append(Said(event, event))
    return said


# --- messages

Twist = Literal[
    "none", "lost", "sent-again", "resealed", "forked", "forged", "forged-again", "misplaced", "unknown-key",
    "late-key", "key-of-another", "unchained", "overfull", "noise", "forked-overfull", "misplaced-late",
    "forged-for-another",
]  # fmt: skip


@dataclass
class _Post:
    """Forms messages; every coordinate is fixed when a message is made."""

    draw: Any
    messages: list[Message] = field(default_factory=list)
    gateways: dict[tuple[str, str, str, str], Gateway] = field(default_factory=dict)
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)

    def post(self, message: Message) -> Message:
        """At an arrival of its own and the next offset, whatever it had."""
        place = message.topic, message.partition
        self.offsets[place] = self.offsets.get(place, 0) + 1
        arrival = FIRST_ARRIVAL + timedelta(minutes=self.draw(st.integers(0, 90)) * 30)
        placed = replace(message, offset=self.offsets[place], timestamp=int(arrival.timestamp() * 1000))
        self.messages.append(placed)
        return placed

    def gateway(self, plant: str, stream: str) -> Gateway:
        name, incarnation = self.draw(st.sampled_from(GATEWAYS)), self.draw(st.sampled_from(("1", "1", "2")))
        key = plant, name, stream, incarnation
        return self.gateways.setdefault(key, Gateway(plant, name, stream, incarnation))

    def send(self, events: list[Json], twist: Twist, stream: str) -> None:
        """One envelope, with what is odd about it."""
        gateway = self.gateway(events[0]["source"], stream)
        before = gateway.previous
        message = gateway.send(*events)
        if twist in {"overfull", "unchained"}:
            gateway.sequence -= 1
            odd: Json = {"previous": value_hash(b"another")} if twist == "unchained" else {"previous": before}
            message = gateway.send(*(events if twist == "unchained" else events[:1] * 501), **odd)
        elif twist in {"forked", "forked-overfull"}:
            other = Gateway(gateway.plant, gateway.name, gateway.stream, gateway.incarnation)
            other.sequence, other.previous = gateway.sequence - 1, before
            rival = [a_production(plant=gateway.plant, record="R-1", **_mass(9))]
            self.post(other.send(*(rival if twist == "forked" else events[:1] * 501)))
        if twist in _SEALED_OTHERWISE:
            message = a_message(message.value, gateway.source, **_SEALED_OTHERWISE[twist](gateway))
        if twist in {"misplaced", "misplaced-late"}:
            message = replace(message, key=b"somebody/else", partition=0)
        self._hand_in(message, twist, several=len(events) > 1)
        if twist == "resealed":
            self.post(a_message(message.value, gateway.source, key_id=_late(gateway)))
        if twist == "noise":
            self.post(a_message(b'{"source": 1}', gateway.source))

    def _hand_in(self, message: Message, twist: Twist, *, several: bool) -> None:
        if twist != "lost":
            self.post(message)
        if twist in {"sent-again", "forged-again", "misplaced-late"} or (twist == "late-key" and several):
            self.post(again(message))


def _late(gateway: Gateway) -> str:
    return key_id_of(gateway.plant, gateway.name, 2)


_FORGER = a_signing_key("a forger")
_SEALED_OTHERWISE: dict[Twist, Callable[[Gateway], dict[str, Any]]] = {
    "forged": lambda _: {"signed_by": _FORGER},
    "forged-again": lambda gateway: {"signed_by": _FORGER, "key_id": _late(gateway)},
    "forged-for-another": lambda _: {"signed_by": _FORGER, "key_id": key_id_of(SEPARATION, "gw-2")},
    "unknown-key": lambda _: {"key_id": "nobody"},
    "late-key": lambda gateway: {"key_id": _late(gateway)},
    "misplaced-late": lambda gateway: {"key_id": _late(gateway)},
    "key-of-another": lambda _: {"key_id": key_id_of(MINE, "gw-2")},
}


def stream_of(statement: Json) -> str:
    """Where it is published."""
    return str(min(STREAMS_OF_TYPE[statement["type"]], key=list(Stream).index))


@st.composite
def messages(draw: Any) -> list[Message]:
    """Envelopes of three plants with two gateways each; events travel in any of them, once or several times."""
    post = _Post(draw)
    by_stream: dict[tuple[str, str], list[Json]] = {}
    for each in draw(statements()):
        by_stream.setdefault((each.event["source"], stream_of(each.statement)), []).append(each.event)
    for (_, stream), events in by_stream.items():
        waiting = list(events)
        repeated = [event for event in events if draw(st.integers(0, 4)) == 0]
        waiting += repeated
        while waiting:
            size = draw(st.integers(1, 3))
            twist = draw(st.sampled_from(("none",) * 30 + get_args(Twist)))
            post.send(waiting[:size], twist, stream)
            waiting = waiting[size:]
    if draw(st.integers(0, 3)) == 0:
        gateway = Gateway(MINE, stream="declarations")
        post.post(gateway.send(a_nil_declaration(plant=MINE)))
    return post.messages


# --- registries


@dataclass(frozen=True)
class Knobs:
    """What the regulator may change."""

    late_plant: bool = True
    late_keys: bool = True
    revoked_hours: int | None = None
    listed_from: date | None = date(2020, 1, 1)
    recycler_run_by: str = "south"
    moved_on: date | None = None
    grouped: bool = True
    succeeded: bool = False
    second_batch_t: int = 5
    issued_on: date = date(2023, 1, 1)
    province: str = "jiangxi"
    settle_minutes: int = 15
    separation_counts: Literal["output", "feed"] = "output"
    recycled_counts: bool = False
    separated_again_counts: bool = False
    claim_tolerance_ppm: int = 5_000
    mass_tolerance_ppm: int = 2_000
    assay_uncertainty_ppm: int = 5_000
    settle_across_hours: int = 48
    owing_from: date | None = date(2023, 12, 1)
    licensed_kg: str = "6000.000"


KNOBS: dict[str, Any] = {
    "revoked_hours": st.sampled_from((None, 0, 5, 20)),
    "listed_from": st.sampled_from((None, date(2020, 1, 1), date(2024, 1, 1))),
    "recycler_run_by": st.sampled_from(("south", "north-works")),
    "moved_on": st.sampled_from((None, date(2023, 12, 31), date(2024, 1, 2))),
    "grouped": st.booleans(),
    "succeeded": st.booleans(),
    "second_batch_t": st.sampled_from((0, 5, 20)),
    "issued_on": st.sampled_from((date(2023, 1, 1), date(2024, 1, 10), date(2024, 2, 1))),
    "province": st.sampled_from(("jiangxi", "hunan")),
    "settle_minutes": st.sampled_from((15, 25_920)),
    "separation_counts": st.sampled_from(("output", "feed")),
    "recycled_counts": st.booleans(),
    "separated_again_counts": st.booleans(),
    "claim_tolerance_ppm": st.sampled_from((5_000, 900_000)),
    "mass_tolerance_ppm": st.sampled_from((2_000, 900_000)),
    "assay_uncertainty_ppm": st.sampled_from((5_000, 0)),
    "settle_across_hours": st.sampled_from((1, 4_000)),
    "owing_from": st.sampled_from((None, date(2023, 12, 1), date(2024, 1, 1))),
    "licensed_kg": st.sampled_from(("6000.000", "9000.000")),
}


def registry(knobs: Knobs) -> list[Declared]:
    """All that is declared."""
    declared: list[Declared] = [
        *an_enterprise("north", "-"), *an_enterprise("north-works", "-"), *an_enterprise("south", "separation"),
        *a_plant(MINE, "north-works"), *a_plant(SEPARATION, "south", knobs.province),
        a_key(MINE, "gw-2", revoked_from=_after(knobs.revoked_hours)), a_key(SEPARATION, "gw-2"),
        ("settings", Settings.model_validate({n: v for n, v in vars(knobs).items() if n in Settings.model_fields})),
    ]  # fmt: skip
    if knobs.listed_from:
        approved = Approval(enterprise="north-works", activity="mining", since=knobs.listed_from)
        declared.append(("approvals", approved))
    if knobs.owing_from:
        declared += [
            ("duties", Duty(enterprise=e, since=knobs.owing_from, basis="R2")) for e in ("north-works", "south")
        ]
    licence: Json = {
        "number": "L-1", "enterprise": "south", "form": "single", "products": ("dysprosium-oxide",),
        "destination": "DE", "end_user": "Invented Magnet GmbH", "net_mass_kg": knobs.licensed_kg,
        "since": date(2023, 1, 1),
    }  # fmt: skip
    declared.append(("licences", Licence.model_validate(licence)))
    declared.append(("recoveries", Recovery(step="separated", low_pct="80.0000", high_pct="100.0000")))
    if knobs.grouped:
        declared.append(("memberships", Membership(member="north-works", group="north", since=date(2023, 6, 1))))
    if knobs.succeeded:
        declared.append(("successions", Succession(predecessor="north", successor="south", years=(2024,))))
    if knobs.late_plant:
        declared += [
            ("plants", Plant(code=RECYCLER, name=RECYCLER, province="hunan", simulated=True)),
            *_operations(knobs), a_key(RECYCLER), a_key(RECYCLER, "gw-2"),
        ]  # fmt: skip
    if knobs.late_keys:
        declared += [a_key(plant, gateway, 2) for plant in (MINE, SEPARATION) for gateway in GATEWAYS]
    for kind in CapKind:
        for holder, year in (("north", 2023), ("south", 2023), ("north", 2024), ("north-works", 2024)):
            first = an_allocation(3, date(year, 1, 1), holder=holder, kind=kind)
            declared.append(first)
            if knobs.second_batch_t and holder == "north":
                day = knobs.issued_on if knobs.issued_on.year == year else date(year, 1, 1)
                declared.append(
                    an_allocation(knobs.second_batch_t, day, holder=holder, kind=kind, batch="2", year=year)
                )
    return declared


def _after(hours: int | None) -> datetime | None:
    return None if hours is None else FIRST_ARRIVAL + timedelta(hours=hours)


def _operations(knobs: Knobs) -> list[Declared]:
    since = date(2020, 1, 1)
    if knobs.moved_on is None:
        return [("operations", Operation(plant=RECYCLER, enterprise=knobs.recycler_run_by, since=since))]
    other = {"south": "north-works", "north-works": "south"}[knobs.recycler_run_by]
    return [
        ("operations", Operation(plant=RECYCLER, enterprise=knobs.recycler_run_by, since=since, until=knobs.moved_on)),
        ("operations", Operation(plant=RECYCLER, enterprise=other, since=knobs.moved_on)),
    ]


# --- the order in which it happens


@dataclass(frozen=True)
class Step:
    """A batch to decide (by two members at once, perhaps), a registry to apply, or an instant to judge at."""

    batch: tuple[Message, ...] = ()
    at_once: bool = False
    knobs: Knobs | None = None
    watch_at: datetime | None = None
    follows: bool = False
    """Whether custody follows to the end before the next step."""


@dataclass(frozen=True)
class Example:
    """The same messages and the same last registry, twice: in order, and as the steps have it."""

    messages: tuple[Message, ...]
    steps: tuple[Step, ...]
    last: Knobs


@st.composite
def examples(draw: Any) -> Example:
    """Any permutation, any cuts, registry changes and judgements in between, two members at times."""
    said = tuple(draw(messages()))
    waiting = list(draw(st.permutations(said)))
    knobs = Knobs(late_plant=draw(st.booleans()), late_keys=draw(st.booleans()))
    steps = [Step(knobs=knobs)]
    judged = OPENS_AT
    for _ in range(draw(st.integers(1, 4))):
        size = draw(st.integers(0, len(waiting)))
        while size:
            cut = draw(st.integers(1, size))
            steps.append(
                Step(batch=tuple(waiting[:cut]), at_once=draw(st.booleans()), follows=draw(st.integers(0, 3)) == 0)
            )
            waiting, size = waiting[cut:], size - cut
        if draw(st.booleans()):
            judged += timedelta(hours=draw(st.integers(1, 48)))
            steps.append(Step(watch_at=judged))
        names = draw(st.lists(st.sampled_from(tuple(KNOBS)), max_size=3, unique=True))
        knobs = replace(knobs, **{name: draw(KNOBS[name]) for name in names})
        if draw(st.integers(0, 2)) == 0:
            knobs = replace(knobs, late_plant=True, late_keys=True)
        steps.append(Step(knobs=knobs, follows=draw(st.integers(0, 3)) == 0))
    steps.append(Step(batch=tuple(waiting), at_once=draw(st.booleans())))
    return Example(said, tuple(steps), knobs)
