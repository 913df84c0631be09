"""The protocol's tables row by row: what becomes of an envelope, and of each event in it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from regulator_desk import (
    ARRIVED_AT,
    Desk,
    Gateway,
    Message,
    a_draw,
    a_key,
    a_message,
    a_plant,
    again,
    key_id_of,
    send,
    the_registry,
)

from monazite_contracts.builders import (
    MINE,
    a_nil_declaration,
    a_separation,
    a_signing_key,
    a_void,
    an_envelope,
)
from monazite_contracts.envelope import canonical
from monazite_contracts.seal import encode_base64url, seal_headers

KEY = key_id_of(MINE)
VALUE = an_envelope([a_draw(1)])
SOURCE = Gateway().source


def right() -> Message:
    return a_message(VALUE, SOURCE)


def bare(value: bytes | None) -> Message:
    return a_message(value, SOURCE)


def headed(*headers: tuple[str, bytes | None]) -> Message:
    return replace(right(), headers=headers)


(KEY_HEADER, SEAL_HEADER) = seal_headers(VALUE, KEY, a_signing_key(KEY))
FORGED = seal_headers(VALUE, KEY, a_signing_key("a forger"))[1]

REFUSED = {
    "not an envelope: no value": (bare(None), "not-json"),
    "not an envelope: no JSON": (bare(b"{"), "not-json"),
    "not an envelope: no source": (bare(b'{"sequence": 1}'), "not-an-envelope"),
    "not an envelope: no sequence": (bare(canonical({"source": SOURCE.model_dump(mode="json")})), "not-an-envelope"),
    "not an envelope: nested too deep": (bare(b"[" * 5_000 + b"]" * 5_000), "not-json"),
    "no seal": (headed(KEY_HEADER), "seal-missing"),
    "no key": (headed(SEAL_HEADER), "seal-missing"),
    "two seals": (headed(KEY_HEADER, SEAL_HEADER, SEAL_HEADER), "seal-missing"),
    "a seal that is null": (headed(KEY_HEADER, ("seal", None)), "seal-missing"),
    "a seal that is no base64url": (headed(KEY_HEADER, ("seal", b"\xff" * 86)), "seal-missing"),
    "a forged seal": (headed(KEY_HEADER, FORGED), "seal-false"),
    "the seal of another value": (replace(right(), value=VALUE + b" "), "seal-false"),
    "another record key": (replace(right(), key=b"somebody/else"), "misplaced"),
    "no record key": (replace(right(), key=None), "misplaced"),
    "another partition": (replace(right(), partition=(right().partition + 1) % 6), "misplaced"),
    "another topic": (replace(right(), topic="plant-shipments"), "misplaced"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_no_rightly_sealed_envelope_in_its_place_is_refused_kept_and_displaces_nothing(
    desk: Desk, what: str
) -> None:
    message, rule = REFUSED[what]
    await desk.declare(the_registry())
    await desk.receive(message)
    ((outcome,), rows) = await desk.outcomes(), await desk.connection.fetch("SELECT * FROM ledger")
    assert outcome == f"refused {rule}"
    assert rows[0]["value"] == message.value
    await desk.receive(a_message(VALUE, SOURCE, at=ARRIVED_AT + timedelta(hours=1)))
    assert (await desk.outcomes())[-1] == "applied"
    assert await desk.drawn_g() == 1_000
    assert (await desk.reconcile()).reconciled


async def test_further_headers_are_kept_and_change_nothing(desk: Desk) -> None:
    await desk.declare(the_registry())
    await desk.receive(headed(KEY_HEADER, SEAL_HEADER, ("trace", b"\xff")))
    assert await desk.outcomes() == ["applied"]
    kept = await desk.connection.fetchval("SELECT odd_headers FROM ledger")
    assert kept == [[name, encode_base64url(raw)] for name, raw in (KEY_HEADER, SEAL_HEADER, ("trace", b"\xff"))]


AWAITING = {
    "an unknown plant": (Gateway("new-mine").send(a_draw(1, plant="new-mine")), "source-unknown"),
    "an unknown gateway": (Gateway(name="gw-9").send(a_draw(1), key_id=KEY), "source-unknown"),
    "an unknown key": (Gateway().send(a_draw(1), key_id="nobody"), "key-unknown"),
    "an unknown key, and misplaced": (
        replace(Gateway().send(a_draw(1), key_id="nobody"), key=b"somebody/else"),
        "key-unknown",
    ),
    "another source's key": (Gateway().send(a_draw(1), key_id=key_id_of(MINE, "gw-2")), "key-of-another"),
    "a key that is not valid yet": (Gateway().send(a_draw(1), key_id="early"), "key-not-valid"),
    "a key that is not valid any more": (Gateway().send(a_draw(1), key_id="late"), "key-not-valid"),
}


@pytest.mark.parametrize("what", AWAITING)
async def test_what_the_registry_does_not_vouch_for_awaits_without_effect(desk: Desk, what: str) -> None:
    message, rule = AWAITING[what]
    early = a_key(MINE, id="early", public=public("early"), since=ARRIVED_AT + timedelta(hours=1))
    late = a_key(MINE, id="late", public=public("late"), until=ARRIVED_AT)
    await desk.declare(the_registry(a_key(MINE, "gw-2"), early, late))
    await desk.receive(message, again(message))
    assert sorted(await desk.outcomes()) == [f"awaiting {rule}", "duplicate"]
    assert (await desk.event_outcomes(), await desk.drawn_g()) == ([], 0)
    assert await desk.rebuild() == []


def public(name: str) -> str:
    return encode_base64url(bytes(a_signing_key(name).verify_key))


@pytest.mark.parametrize("minute", [-1, 0, 59, 60])
async def test_a_key_vouches_from_its_first_instant_to_before_its_last(desk: Desk, minute: int) -> None:
    valid = a_key(MINE, since=ARRIVED_AT, until=ARRIVED_AT + timedelta(hours=1))
    await desk.declare([*the_registry()[:-1], valid])
    await desk.receive(a_message(VALUE, SOURCE, ARRIVED_AT + timedelta(minutes=minute)))
    assert await desk.outcomes() == ["applied" if minute in {0, 59} else "awaiting key-not-valid"]


async def test_the_first_of_its_sequence_stands_and_its_events_are_decided_one_by_one(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    odd = a_draw(1, "R-2", net_mass_kg="1 t")
    await desk.receive(gateway.send(a_draw(1), odd, a_draw(1), a_draw(9), a_draw(4, "R-3")))
    assert await desk.outcomes() == ["applied"]
    assert await desk.event_outcomes() == [
        "applied", "refused wrong-format", "duplicate", "awaiting event-conflict", "applied",
    ]  # fmt: skip
    assert await desk.drawn_g() == 5_000
    assert (await desk.reconcile()).events == {"applied": 2, "awaiting": 1, "duplicate": 1, "refused": 1}


OUT_OF_CONTRACT = {
    "501 events": {"events": [a_draw(1)] * 501},
    "no events": {"events": []},
    "an unknown field": {"events": [a_draw(1)], "colour": "red"},
    "no hash of the one before": {"events": [a_draw(1)], "previous": "?"},
}


@pytest.mark.parametrize("what", OUT_OF_CONTRACT)
async def test_content_out_of_contract_is_refused_and_does_occupy_its_sequence(desk: Desk, what: str) -> None:
    document = {"source": SOURCE.model_dump(mode="json"), "sequence": 1, "previous": None} | OUT_OF_CONTRACT[what]
    await desk.declare(the_registry())
    await desk.receive(a_message(canonical(document), SOURCE))
    later = ARRIVED_AT + timedelta(hours=1)
    await desk.receive(a_message(VALUE, SOURCE, later))
    assert [outcome.partition(" ")[0] for outcome in await desk.outcomes()] == ["refused", "awaiting"]
    (receipt,) = (await desk.receipts())[:1]
    assert receipt.decided_through == 1


@pytest.mark.parametrize("key", [KEY, key_id_of(MINE, "gw-1", 2)], ids=["the same seal", "sealed again"])
async def test_an_equal_value_repeats_the_one_that_stands_whatever_seals_it(desk: Desk, key: str) -> None:
    await desk.declare(the_registry(a_key(MINE, "gw-1", 2)))
    await desk.receive(right())
    await desk.receive(a_message(VALUE, SOURCE, ARRIVED_AT + timedelta(hours=1), key_id=key))
    assert await desk.outcomes() == ["applied", "duplicate"]
    assert await desk.drawn_g() == 1_000


async def test_a_copy_that_is_refused_or_sealed_otherwise_is_no_repeat_of_one_that_is_not(desk: Desk) -> None:
    await desk.declare(the_registry())
    first = Gateway().send(a_draw(1), key_id="nobody")
    other = again(first, headers=seal_headers(first.value or b"", "somebody", a_signing_key("x")))
    await desk.receive(first, other, again(first), again(other))
    assert sorted(await desk.outcomes()) == ["awaiting key-unknown"] * 2 + ["duplicate"] * 2


async def test_another_value_at_a_sequence_that_stands_awaits_and_its_repeats_are_duplicates(desk: Desk) -> None:
    await desk.declare(the_registry())
    fork = a_message(an_envelope([a_draw(2)]), SOURCE, ARRIVED_AT + timedelta(hours=1))
    await desk.receive(right(), fork, again(fork))
    assert await desk.outcomes() == ["applied", "awaiting envelope-fork", "duplicate"]
    assert await desk.drawn_g() == 1_000


async def test_every_incarnation_numbers_for_itself(desk: Desk) -> None:
    await desk.declare(the_registry())
    before, after = Gateway(incarnation="1"), Gateway(incarnation="2")
    await desk.receive(before.send(a_draw(1)), after.send(a_draw(2, "R-2")))
    assert await desk.outcomes() == ["applied", "applied"]
    assert await desk.drawn_g() == 3_000


# --- events


async def test_an_event_is_the_same_whichever_gateway_incarnation_or_envelope_carries_it(desk: Desk) -> None:
    await desk.declare(the_registry(a_key(MINE, "gw-2")))
    others = Gateway(incarnation="2"), Gateway(name="gw-2")
    await desk.receive(right(), *[gateway.send(a_draw(1), a_draw(2, "R-2")) for gateway in others])
    assert sorted(await desk.event_outcomes()) == ["applied"] * 2 + ["duplicate"] * 3
    assert await desk.drawn_g() == 3_000


async def test_an_event_of_another_plant_or_stream_is_refused_beside_good_ones(desk: Desk) -> None:
    await desk.declare(the_registry(*a_plant("other-mine")))
    gateway = Gateway()
    await desk.receive(gateway.send(a_draw(1), a_separation(), a_nil_declaration()))
    assert await desk.event_outcomes() == ["applied", "refused wrong-source", "refused wrong-stream"]


async def test_a_rehearsal_is_validated_and_leaves_its_row_only(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    rehearsed = a_draw(1, test=True)
    await desk.receive(gateway.send(rehearsed, a_draw(1, "R-2", test=True, net_mass_kg="1 t")))
    assert await desk.event_outcomes() == ["applied", "refused wrong-format"]
    assert (await desk.reconcile()).test_events == 1
    assert await desk.drawn_g() == 0
    assert await desk.connection.fetchval("SELECT count(*) FROM lots") == 0
    await desk.receive(gateway.send(a_draw(1)), send(a_void(rehearsed)))
    assert await desk.drawn_g() == 1_000, "the real record stands beside its rehearsal"


async def test_a_correction_before_its_target_takes_effect_when_the_target_comes(desk: Desk) -> None:
    await desk.declare(the_registry())
    stated = a_draw(1)
    await desk.receive(send(a_void(stated)))
    assert await desk.event_outcomes() == ["applied"]
    await desk.receive(send(stated))
    assert await desk.drawn_g() == 0
    effective = await desk.connection.fetchval("SELECT count(*) FROM events WHERE effective")
    assert effective == 0
