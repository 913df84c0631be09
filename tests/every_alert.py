"""A country in which every rule has an alert raised: what is done to alerts is tried on each of them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition
from every_holding import CLOSED, amended_too_late, statements_of_holders, the_holders
from regulator_desk import (
    ARRIVED_AT,
    PARTITIONS,
    Declared,
    Desk,
    Gateway,
    Json,
    Message,
    a_draw,
    a_message,
    a_period,
    a_plant,
    an_allocation,
    an_enterprise,
    send,
    the_registry,
)

from monazite_consumers.decisions import effects
from monazite_consumers.intake.adopting import Adoption, adopt
from monazite_consumers.intake.positions import Advance
from monazite_consumers.intake.skipping import pass_over
from monazite_consumers.reports.closing import close
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.positions import Log, Position
from monazite_contracts.builders import (
    MINE,
    a_correction,
    a_separation,
    a_signing_key,
    a_target,
    a_void,
    an_input,
)

ALERTED = [rule.id for rule in RULES.values() if not rule.quiet]

_OVER, _OUT, _ODD_LOT = "over-mine", "out-mine", f"{MINE}/FAULT"
_NEW_LOG = TopicPartition("plant-declarations", 0)


async def raise_every_alert(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Says and does what each rule is about, and lets its absences settle."""
    await desk.declare(_country())
    await _disturb_a_log(desk)
    shipped = effects.draws_of

    def broken(weighed: Any) -> Any:
        if getattr(weighed.statement, "lot", "") == _ODD_LOT:
            raise ZeroDivisionError
        return shipped(weighed)

    with monkeypatch.context() as patched:
        patched.setattr(effects, "draws_of", broken)
        *messages, amendment = in_a_row([*_messages(), send(amended_too_late())])
        for message in messages:
            await desk.receive(message)
        await desk.watch(ARRIVED_AT + timedelta(days=3))
        await desk.follow()
        await close(desk.connection, CLOSED)
        await desk.receive(amendment)
        await desk.follow()
    missing = set(ALERTED) - await desk.rules()
    assert not missing, f"no alert of {sorted(missing)} was raised"


def in_a_row(messages: list[Message], begun_at: datetime = ARRIVED_AT) -> list[Message]:
    """As a broker keeps them: offsets from 0 in the order in which they come, each a second later."""
    offsets: dict[TopicPartition, int] = {}
    found = []
    for number, message in enumerate(messages):
        offset = offsets[message.tp] = offsets.get(message.tp, -1) + 1
        found.append(replace(message, offset=offset, timestamp=int(begun_at.timestamp() * 1000) + number * 1000))
    return found


def _country() -> list[Declared]:
    """One that keeps to its cap after corrections, one that draws too much, one that is not listed for mining."""
    over = [*an_enterprise("over"), *a_plant(_OVER, "over"), an_allocation(1, holder="over")]
    out = [*an_enterprise("out", "separation"), *a_plant(_OUT, "out")]
    return the_registry(an_allocation(1), *over, *out, *the_holders())


async def _disturb_a_log(desk: Desk) -> None:
    """Offsets without a message, messages that were deleted, and then another log."""
    assert _NEW_LOG.partition < PARTITIONS[_NEW_LOG.topic]
    await desk.open(_NEW_LOG)
    await pass_over(desk.connection, [Advance(_NEW_LOG, Position(1, 0), 5, received=0, lost=2)])
    await adopt(desk.connection, Adoption(_NEW_LOG, Position(1, 5), Log(start=2, end=4), "position-above-end"), "Wu")


def _messages() -> Iterator[Message]:
    for events in _statements():
        yield send(*events)
    yield from _noise()


def _statements() -> Iterator[list[Json]]:
    stated, first, voided, conflicting = (a_draw(100, name) for name in ("S-1", "S-2", "S-3", "S-4"))
    overdrawn = a_draw(1_200, "S-5")
    void = a_void(voided)
    separated = a_separation(plant=MINE, record="S-6")
    yield [a_draw(2_000, "S-1", plant=_OVER)]
    yield [a_draw(7, "S-1", plant=_OUT)]
    yield [overdrawn, stated, first, voided, separated]
    yield [_lighter(overdrawn, 1)]
    yield [a_draw(1, "L-1", lot=f"{MINE}/L-1"), a_draw(1, "L-2", lot=f"{MINE}/L-1")]
    yield [a_draw(1, "O-1", claimed_reo_kg="9.000"), a_draw(1, "O-2", date(2023, 5, 20))]
    yield [
        a_draw(1, "O-3", date(2023, 1, 4)),
        a_separation(plant=MINE, record="O-4", activity="recovered", product="ndpr-oxide", inputs=[an_input()]),
    ]
    yield [a_void(a_draw(1, "NEVER"), record="V-1")]
    yield [_lighter(first, 90, "C-1")]
    yield [_lighter(first, 80, "C-2")]
    yield [void]
    yield [a_void(void, record="V-2")]
    yield [a_correction(separated, {"activity": "recovered", "origin": "recycled"}, record="C-3")]
    yield [a_correction(stated, {"period": a_period(date(2022, 12, 31))}, record="C-4")]
    yield [conflicting]
    yield [a_draw(101, "S-4")]
    yield [a_draw(1, "FAULT", lot=_ODD_LOT)]
    yield [a_draw(1, "O-5", net_mass_kg="1 t")]
    for said in statements_of_holders():
        yield [said]


def _lighter(event: Json, reo_kg: int, record: str = "C-9") -> Json:
    mass = {"net_mass_kg": f"{reo_kg}.000", "claimed_reo_kg": f"{reo_kg}.000"}
    return a_correction(event, mass, record=record, target=a_target(event))


def _noise() -> Iterator[Message]:
    """What is wrong with envelopes, chains and seals."""
    gateway, restored = Gateway(incarnation="9"), Gateway(incarnation="9")
    yield gateway.send(a_draw(1, "N-1"))
    restored.lose(a_draw(1, "N-1"))
    yield gateway.send(a_draw(1, "N-2"))
    yield restored.send(a_draw(1, "N-3"))
    gateway.lose(a_draw(1, "N-4"))
    yield gateway.send(a_draw(1, "N-5"))
    yield gateway.send(a_draw(1, "N-6"), previous=bytes(32))
    yield a_message(gateway.send(a_draw(1, "N-7")).value, gateway.source, signed_by=a_signing_key("a forger"))
    yield send(a_draw(1, "N-8"), key_id="nobody")
    yield a_message(b"{", gateway.source)
