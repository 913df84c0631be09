"""A stolen key: what the thief sealed stands until the key is revoked, and then it is as if it had never been."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from attacker import a_lie, an_envelope_of
from regulator_desk import (
    ARRIVED_AT,
    Declared,
    Desk,
    Gateway,
    Json,
    Message,
    a_draw,
    a_key,
    a_message,
    a_plant,
    again,
    an_allocation,
    an_enterprise,
    key_id_of,
    the_registry,
)

from monazite_contracts.builders import MINE, a_correction, a_void, an_envelope
from monazite_contracts.envelope import value_hash

STOLEN, NEW_KEY = key_id_of(MINE), key_id_of(MINE, "gw-1", 2)
THEFT = ARRIVED_AT + timedelta(hours=1)
FOUND_OUT = ARRIVED_AT + timedelta(hours=6)


def the_desk(revoked_from: datetime | None = None, *more: Declared) -> list[Declared]:
    """One mine whose gateway gets a second key when the first is revoked."""
    keys = [a_key(MINE, revoked_from=revoked_from)]
    if revoked_from is not None:
        keys.append(a_key(MINE, "gw-1", 2))
    return [*an_enterprise(), *a_plant()[:2], *keys, an_allocation(1), *more]


def stolen(gateway: Gateway, value: bytes, minutes: int = 0) -> Message:
    """Sealed by the thief with the gateway's own key, after the theft."""
    return an_envelope_of(gateway, value, STOLEN, THEFT + timedelta(minutes=minutes))


def thief(incarnation: str = "thief") -> Gateway:
    """Who has the key can also number for itself."""
    return Gateway(incarnation=incarnation, at=THEFT)


def sent_again(gateway: Gateway, messages: list[Message]) -> list[Message]:
    """What the gateway does when it is told that its envelopes await: the same values, sealed with its new key."""
    return [a_message(message.value, gateway.source, FOUND_OUT, key_id=NEW_KEY) for message in messages]


def said(gateway: Gateway) -> tuple[list[Message], list[Message]]:
    """Two envelopes before the theft, two after it."""
    before = [gateway.send(a_draw(10 + n, f"R-{n}")) for n in range(2)]
    gateway.at = THEFT + timedelta(hours=1)
    return before, [gateway.send(a_draw(100 + n, f"S-{n}")) for n in range(2)]


HONEST_G = (10 + 11 + 100 + 101) * 1_000


def _takes_the_next_sequences(gateway: Gateway) -> list[bytes]:
    return [a_lie(gateway, n) for n in (3, 4)]


def _repeats_and_lies(gateway: Gateway) -> list[bytes]:
    return [an_envelope([a_draw(10, "R-0")], source=gateway.source), a_lie(gateway, 3)]


def _takes_far_sequences(gateway: Gateway) -> list[bytes]:
    return [a_lie(gateway, 2**53 - 1), a_lie(gateway, 4_000)]


def _another_source(*events: Json) -> list[bytes]:
    found, previous = [], None
    for number, event in enumerate(events, 1):
        value = an_envelope([event], source=thief().source, sequence=number, previous=previous)
        previous = value_hash(value)
        found.append(value)
    return found


def _takes_the_record_ids(_: Gateway) -> list[bytes]:
    return _another_source(a_draw(900_000, "S-0"), a_draw(900_000, "S-1"))


def _voids(_: Gateway) -> list[bytes]:
    return _another_source(a_void(a_draw(10, "R-0")), a_void(a_draw(100, "S-0")))


def _corrects(_: Gateway) -> list[bytes]:
    first = a_draw(10, "R-0")
    correction = a_correction(first, {"net_mass_kg": "900000.000", "claimed_reo_kg": "900000.000"}, record="C-1")
    return _another_source(correction, a_void(correction, record="V-1"))


def _moves_to_another_year(_: Gateway) -> list[bytes]:
    day = {"start": "2022-12-31T00:00:00+08:00", "end": "2023-01-01T00:00:00+08:00"}
    return _another_source(a_correction(a_draw(10, "R-0"), {"period": day}, record="C-1"))


THEFTS: dict[str, Any] = {
    "takes the next sequences": _takes_the_next_sequences,
    "repeats and lies": _repeats_and_lies,
    "takes sequences far ahead": _takes_far_sequences,
    "takes the record ids": _takes_the_record_ids,
    "voids what was said, and what will be": _voids,
    "corrects what was said, and voids the correction": _corrects,
    "moves grams to another year": _moves_to_another_year,
}


async def caps(desk: Desk) -> list[tuple[Any, ...]]:
    rows = await desk.connection.fetch(
        "SELECT holder, year, kind, drawn_g, original_g FROM caps"
        " WHERE (drawn_g, original_g) <> (0, 0) ORDER BY 1, 2, 3"
    )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("what", THEFTS)
async def test_after_the_revocation_and_one_more_send_it_is_as_if_the_theft_had_never_been(
    desk: Desk, what: str
) -> None:
    gateway = Gateway()
    before, after = said(gateway)
    lies = [
        stolen(gateway if gateway.source.incarnation.encode() in value else thief(), value, minutes)
        for minutes, value in enumerate(THEFTS[what](gateway))
    ]
    await desk.declare(the_desk())
    await desk.receive(*before, *lies, *after)
    await desk.declare(the_desk(revoked_from=THEFT))
    assert await desk.drawn_g() == 21_000, "what was said before the theft, and nothing else"
    receipt = (await desk.receipts(gateway.source))[-1]
    assert receipt.decided_through == 2, "so the gateway knows what to send again"
    await desk.receive(*sent_again(gateway, after))
    assert await caps(desk) == [("shihe", 2023, "mining_rock", HONEST_G, HONEST_G)]
    assert (await desk.receipts(gateway.source))[-1].decided_through == 4
    await desk.watch(FOUND_OUT + timedelta(hours=1))
    assert await desk.rules() == {"source-unknown"}, "all that is left is that somebody sealed with a revoked key"
    assert await desk.rebuild() == []
    assert (await desk.reconcile()).reconciled


async def test_a_thief_without_a_revocation_is_seen_as_a_fork_or_a_conflict(desk: Desk) -> None:
    gateway = Gateway()
    before, after = said(gateway)
    await desk.declare(the_desk())
    await desk.receive(*before, stolen(gateway, a_lie(gateway, 3)), *after)
    assert "envelope-fork" in await desk.rules()
    (entry,) = [e for r in await desk.receipts(gateway.source) for e in r.entries if e.rule == "envelope-fork"]
    assert entry.envelope_hash == value_hash(after[0].value or b"").hex()
    await desk.watch(FOUND_OUT)
    assert "envelope-fork" in await desk.rules(), "time does not close it"


async def test_a_fork_is_retracted_only_when_one_side_is_no_longer_vouched_for(desk: Desk) -> None:
    gateway = Gateway()
    before, after = said(gateway)
    await desk.declare(the_desk())
    await desk.receive(*before, *after, stolen(gateway, a_lie(gateway, 4), minutes=300))
    assert "envelope-fork" in await desk.rules()
    await desk.receive(*[again(message) for message in after])
    assert "envelope-fork" in await desk.rules(), "nothing that arrives closes it"
    await desk.declare(the_desk(revoked_from=THEFT + timedelta(hours=4)))
    assert "envelope-fork" not in await desk.rules()
    forks = {key[0]: alert["condition"] for key, alert in (await desk.alerts(None)).items()}
    assert forks["envelope-fork"] == "retracted", "it is still on record"
    assert "source-unknown" in await desk.rules(), "and what the thief sealed is still shown"


async def test_another_gateways_envelopes_stand_through_it_all(desk: Desk) -> None:
    other = a_key(MINE, "gw-2")
    await desk.declare(the_desk(None, other))
    second = Gateway(name="gw-2", at=THEFT + timedelta(hours=1))
    await desk.receive(stolen(thief(), an_envelope([a_draw(900, "R-1")], source=thief().source)))
    await desk.receive(second.send(a_draw(1, "R-1")))
    assert await desk.event_outcomes() == ["applied", "awaiting event-conflict"]
    await desk.declare(the_desk(THEFT, other))
    assert await desk.event_outcomes() == ["applied"]
    assert await desk.drawn_g() == 1_000
    assert await desk.rebuild() == []


async def test_a_thief_replays_what_the_plant_sealed_before_and_moves_nothing(desk: Desk) -> None:
    gateway = Gateway()
    before, after = said(gateway)
    await desk.declare(the_desk())
    await desk.receive(*before, *after)
    await desk.receive(*[stolen(gateway, message.value or b"", 300) for message in before + after])
    assert sorted(await desk.outcomes()) == ["applied"] * 4 + ["duplicate"] * 4
    assert await desk.drawn_g() == HONEST_G
    await desk.declare(the_desk(THEFT + timedelta(hours=4)))
    assert await desk.drawn_g() == HONEST_G


async def test_a_revocation_that_is_taken_back_brings_everything_back(desk: Desk) -> None:
    gateway = Gateway()
    before, after = said(gateway)
    await desk.declare(the_desk())
    await desk.receive(*before, *after)
    wanted = await caps(desk)
    await desk.declare(the_desk(THEFT))
    assert await desk.drawn_g() == 21_000
    await desk.declare(the_desk())
    assert await caps(desk) == wanted
    assert await desk.rebuild() == []


# --- rotation


async def test_a_key_is_rotated_without_a_pause(desk: Desk) -> None:
    old = a_key(MINE, until=ARRIVED_AT + timedelta(minutes=4))
    new = a_key(MINE, "gw-1", 2, since=ARRIVED_AT + timedelta(minutes=2))
    await desk.declare([*an_enterprise(), *a_plant()[:2], old, new])
    gateway = Gateway()
    keys = [STOLEN, STOLEN, NEW_KEY, STOLEN, NEW_KEY, NEW_KEY]
    sent = [
        gateway.send(a_draw(1, f"R-{n}"), at=ARRIVED_AT + timedelta(minutes=n), key_id=key)
        for n, key in enumerate(keys)
    ]
    await desk.receive(*sent)
    assert await desk.outcomes() == ["applied"] * 6, "for two minutes both vouch"
    assert await desk.drawn_g() == 6_000
    await desk.watch(FOUND_OUT)
    assert await desk.rules() == {"cap-not-issued"}


async def test_a_backlog_is_sealed_with_the_key_of_the_day_that_it_is_sent(desk: Desk) -> None:
    old, new = a_key(MINE, until=THEFT), a_key(MINE, "gw-1", 2, since=THEFT)
    await desk.declare([*an_enterprise(), *a_plant()[:2], old, new])
    gateway = Gateway()
    formed = [gateway.send(a_draw(1, f"R-{n}")) for n in range(4)]  # offline meanwhile
    await desk.receive(*formed[:2])
    await desk.receive(*sent_again(gateway, formed))
    assert sorted(await desk.outcomes()) == ["applied"] * 4 + ["duplicate"] * 2
    assert await desk.drawn_g() == 4_000
    assert "chain-broken" not in await desk.rules()


async def test_a_backlog_that_is_sent_under_an_expired_key_awaits_and_is_sent_again(desk: Desk) -> None:
    await desk.declare([*an_enterprise(), *a_plant()[:2], a_key(MINE, until=THEFT), a_key(MINE, "gw-1", 2)])
    gateway = Gateway(at=THEFT)
    formed = [gateway.send(a_draw(1, f"R-{n}")) for n in range(3)]
    await desk.receive(*formed)
    assert set(await desk.outcomes()) == {"awaiting key-not-valid"}
    await desk.receive(*sent_again(gateway, formed))
    assert await desk.drawn_g() == 3_000


async def test_a_registry_without_the_theft_is_the_same_as_one_that_knew_of_it_from_the_start(desk: Desk) -> None:
    gateway = Gateway()
    before, after = said(gateway)
    lies = [stolen(gateway, a_lie(gateway, n), n) for n in (3, 4)]
    await desk.declare(the_registry(an_allocation(1)))
    await desk.declare(the_desk(revoked_from=THEFT))
    await desk.receive(*before, *lies, *after, *sent_again(gateway, after))
    assert await desk.drawn_g() == HONEST_G
    assert await desk.event_outcomes() == ["applied"] * 4
