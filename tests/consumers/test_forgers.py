"""What forgers write awaits, is refused or is forgotten: it displaces nothing, and no plant is silenced by it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from attacker import a_lie, genuine
from regulator_desk import (
    ARRIVED_AT,
    Declared,
    Desk,
    Gateway,
    Message,
    a_draw,
    a_key,
    a_message,
    a_plant,
    again,
    key_id_of,
    the_registry,
)

from monazite_consumers.rules.entries import Settings
from monazite_contracts.builders import MINE, a_signing_key
from monazite_contracts.receipts import Outcome

NEW = "new-mine"
NEXT_KEY = key_id_of(MINE, "gw-1", 2)


def bound(per_source: int, total: int) -> Declared:
    return "settings", Settings(awaiting_per_source_max=per_source, awaiting_total_max=total)


def forged(gateway: Gateway, number: int, key_id: str) -> list[Message]:
    """Lies in a gateway's name under a key id that is not registered yet, by somebody who has another key."""
    return [
        a_message(a_lie(gateway, n), gateway.source, ARRIVED_AT, key_id=key_id, signed_by=a_signing_key("a forger"))
        for n in range(1, number + 1)
    ]


async def outcome_of(desk: Desk, message: Message) -> str:
    """Of one message, with its rule."""
    row = await desk.connection.fetchrow(
        "SELECT e.outcome, e.rule FROM envelopes e JOIN ledger l USING (message)"
        " WHERE (topic, partition, log_offset) = ($1, $2, $3)",
        message.topic, message.partition, message.offset,
    )  # fmt: skip
    assert row is not None
    return f"{row['outcome']} {row['rule'] or ''}".strip()


async def kept(desk: Desk) -> int:
    return int(await desk.connection.fetchval("SELECT count(*) FROM ledger WHERE value IS NOT NULL"))


# --- the bound on what awaits


async def test_a_flood_under_a_plants_future_key_costs_the_plant_one_more_send(desk: Desk) -> None:
    await desk.declare(the_registry(bound(5, 100)))
    gateway = Gateway(NEW)
    await desk.receive(*forged(gateway, 20, key_id_of(NEW)))
    said = [gateway.send(a_draw(1, f"R-{n}", plant=NEW)) for n in range(3)]
    await desk.receive(*said)
    assert [await outcome_of(desk, message) for message in said] == ["awaiting awaiting-bound"] * 3
    assert await desk.receipts(gateway.source) == [], "so the gateway keeps all, and sends it again"
    await desk.declare(the_registry(bound(5, 100), *a_plant(NEW)))
    await desk.receive(*[again(message) for message in said])
    assert await desk.drawn_g() == 3_000
    assert (await desk.receipts(gateway.source))[-1].decided_through == 3
    assert await desk.rebuild() == []


async def test_a_flood_in_a_thousand_names_fills_the_bound_in_all_and_silences_nobody(desk: Desk) -> None:
    await desk.declare(the_registry(bound(5, 10)))
    for incarnation in range(30):
        await desk.receive(*forged(Gateway(NEW, incarnation=f"evil {incarnation}"), 1, f"stranger-{incarnation}"))
    assert await kept(desk) == 10
    gateway, registered = Gateway(NEW), Gateway()
    said = [gateway.send(a_draw(1, f"R-{n}", plant=NEW)) for n in range(3)]
    await desk.receive(*said, registered.send(a_draw(5)))
    assert await desk.drawn_g() == 5_000, "who is registered is not touched by it at all"
    await desk.declare(the_registry(bound(5, 10), *a_plant(NEW)))
    await desk.receive(*[again(message) for message in said])
    assert await desk.drawn_g() == 8_000


async def test_a_flood_of_invented_incarnations_leaves_no_more_sources_behind_than_messages(desk: Desk) -> None:
    await desk.declare(the_registry(bound(5, 10)))
    registered = Gateway()
    await desk.receive(registered.send(a_draw(1)))
    for flood in range(3):
        invented = [Gateway(NEW, incarnation=f"evil {flood} {n}") for n in range(20)]
        lies = [message for gateway in invented for message in forged(gateway, 1, f"stranger {flood}")]
        forgeries = [
            a_message(a_lie(gateway, 1), gateway.source, ARRIVED_AT, signed_by=a_signing_key("a forger"))
            for n in range(20)
            for gateway in [Gateway(incarnation=f"false {flood} {n}")]
        ]
        await desk.receive(*lies, *forgeries, registered.send(a_draw(1)))
    assert await desk.connection.fetchval("SELECT count(*) FROM sources") == 1 + 10
    assert await kept(desk) == 4 + 10 + 60, "what is refused is kept, too, but in nobody's name"
    assert await desk.rebuild() == []


async def test_registering_the_key_makes_room_again(desk: Desk) -> None:
    await desk.declare(the_registry(bound(5, 5)))
    await desk.receive(*forged(Gateway(NEW), 9, key_id_of(NEW)))
    await desk.declare(the_registry(bound(5, 5), *a_plant(NEW)))
    assert sorted(set(await desk.outcomes())) == ["awaiting awaiting-bound", "refused seal-false"]
    await desk.receive(*forged(Gateway("newer-mine"), 9, key_id_of("newer-mine")))
    assert (await desk.outcomes()).count("awaiting source-unknown") == 5


@pytest.mark.parametrize("batches", [1, 4])
async def test_the_bound_is_the_number_that_is_kept_however_they_arrive(desk: Desk, batches: int) -> None:
    await desk.declare(the_registry(bound(9, 6)))
    lies = [message for plant in ("a-mine", "b-mine") for message in forged(Gateway(plant), 8, key_id_of(plant))]
    size = len(lies) // batches
    for start in range(0, len(lies), size):
        await desk.receive(*lies[start : start + size])
    assert await kept(desk) == 6


async def test_a_plants_own_forks_take_no_room_from_others(desk: Desk) -> None:
    await desk.declare(the_registry(bound(4, 4)))
    gateway = Gateway()
    forks = [a_message(a_lie(gateway, 1, f"F-{n}"), gateway.source, ARRIVED_AT) for n in range(9)]
    await desk.receive(*forks)
    assert (await desk.outcomes()).count("awaiting envelope-fork") == 8
    await desk.receive(Gateway(NEW).send(a_draw(1, plant=NEW)))
    assert await kept(desk) == 10


# --- who comes first


CLAIMS: dict[str, dict[str, Any]] = {
    "an unknown key": {"key_id": "stranger"},
    "the genuine key's id and a false seal": {"signed_by": a_signing_key("a forger")},
    "the id of a key to come and a false seal": {"key_id": NEXT_KEY, "signed_by": a_signing_key("a forger")},
    "a revoked key": {"key_id": "gone"},
}


@pytest.mark.parametrize("how", CLAIMS)
@pytest.mark.parametrize("value", ["a lie", "the genuine bytes"])
async def test_a_forgery_that_is_first_at_a_sequence_does_not_hold_it(desk: Desk, how: str, value: str) -> None:
    await desk.declare(the_registry(revoked("gone", ARRIVED_AT - timedelta(hours=1))))
    gateway = Gateway()
    message = gateway.send(a_draw(1))
    first = a_message(
        a_lie(gateway, 1) if value == "a lie" else message.value, gateway.source, ARRIVED_AT, **CLAIMS[how]
    )
    assert first.timestamp < message.timestamp
    await desk.receive(first)
    await desk.receive(message)
    await desk.declare(the_registry(revoked("gone", ARRIVED_AT - timedelta(hours=1)), a_key(MINE, "gw-1", 2)))
    assert await outcome_of(desk, message) == "applied"
    assert await desk.drawn_g() == 1_000
    assert (await desk.receipts(gateway.source))[-1].decided_through == 1
    assert await desk.rebuild() == []


def revoked(key_id: str, at: Any) -> Declared:
    from monazite_contracts.seal import encode_base64url

    public = encode_base64url(bytes(a_signing_key(key_id).verify_key))
    return a_key(MINE, id=key_id, public=public, revoked_from=at)


# --- what the plant is told


def entries(receipts: Iterable[Any]) -> list[tuple[int, str, str | None]]:
    return [(e.sequence, e.outcome.value, e.rule) for receipt in receipts for e in receipt.entries]


async def test_a_plant_is_not_told_that_its_sequence_is_refused_when_a_forgers_claim_to_it_is(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    message = gateway.send(a_draw(1), key_id=NEXT_KEY)
    copy = replace(again(message), headers=forged(gateway, 1, NEXT_KEY)[0].headers)
    await desk.receive(copy, message)
    await desk.declare(the_registry(a_key(MINE, "gw-1", 2)))
    assert await outcome_of(desk, copy) == "refused seal-false"
    assert {outcome for _, outcome, _ in entries(await desk.receipts())} == {"awaiting"}
    assert [letter.rule for letter in await desk.dead_letters()] == ["seal-false"], "it is told to nobody in particular"


@pytest.mark.parametrize("together", [True, False])
async def test_a_copy_in_a_wrong_place_is_no_answer_to_the_plant_whose_envelope_stands(
    desk: Desk,
    together: bool,  # noqa: FBT001 - a parameter
) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    message = gateway.send(a_draw(1))
    copy = again(message, topic="plant-shipments")
    for batch in [(message, copy)] if together else [(message,), (copy,)]:
        await desk.receive(*batch)
    assert await outcome_of(desk, copy) == "refused misplaced"
    assert entries(await desk.receipts()) == []
    assert [letter.rule for letter in await desk.dead_letters()] == ["misplaced"]
    assert await desk.rules() == {"unreadable", "cap-not-issued"}


@pytest.mark.parametrize("together", [True, False])
async def test_a_copy_under_another_key_does_not_tell_the_plant_that_what_stands_awaits(
    desk: Desk,
    together: bool,  # noqa: FBT001 - a parameter
) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    message = gateway.send(a_draw(1))
    copy = a_message(message.value, gateway.source, ARRIVED_AT, key_id="stranger")
    for batch in [(message, copy)] if together else [(message,), (copy,)]:
        await desk.receive(*batch)
    assert await outcome_of(desk, copy) == "awaiting key-unknown"
    assert entries(await desk.receipts()) == []
    assert (await desk.receipts())[-1].decided_through == 1


async def test_who_misplaces_its_own_envelope_is_told(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    await desk.receive(gateway.send(a_draw(1), topic="plant-shipments"))
    assert entries(await desk.receipts()) == [(1, Outcome.REFUSED, "misplaced")]


async def test_a_gap_is_not_filled_by_a_forgery_and_clears_when_the_envelope_comes(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    missing = gateway.lose(a_draw(1))
    await desk.receive(gateway.send(a_draw(2, "R-2")))
    await desk.watch(ARRIVED_AT + timedelta(minutes=5))
    assert "envelope-gap" not in await desk.rules(), "it may still come"
    lies = [a_message(a_lie(gateway, 1), gateway.source, ARRIVED_AT, **claim) for claim in CLAIMS.values()]
    await desk.receive(*lies)
    await desk.watch(ARRIVED_AT + timedelta(hours=1))
    assert "envelope-gap" in await desk.rules()
    await desk.receive(missing)
    assert "envelope-gap" not in await desk.rules()
    assert await desk.drawn_g() == 3_000


async def test_what_a_forger_writes_is_found_by_rule_and_blames_no_plant(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    before = await genuine(desk)
    await desk.receive(
        *[a_message(a_lie(gateway, 1), gateway.source, ARRIVED_AT, **claim) for claim in CLAIMS.values()]
    )
    assert set(await desk.outcomes()) == {"awaiting key-unknown", "refused seal-false"}
    assert await desk.rules() == {"seal-false", "source-unknown"}
    assert await genuine(desk) == before


# --- keys that are taken out of the registry


@pytest.mark.parametrize("taken_out", ["before it all", "after it all"])
async def test_a_key_that_is_taken_out_still_tells_what_it_sealed_from_what_it_did_not(
    desk: Desk,
    taken_out: str,
) -> None:
    gateway, without = Gateway(), the_registry(a_key(MINE, "gw-1", 2))
    message = gateway.send(a_draw(1), key_id=NEXT_KEY)
    lie = again(forged(gateway, 1, NEXT_KEY)[0])
    misplaced = again(message, topic="plant-shipments")
    await desk.declare(without)
    if taken_out == "before it all":
        await desk.declare(the_registry())
    await desk.receive(message, lie, misplaced)
    if taken_out == "after it all":
        assert await desk.drawn_g() == 1_000
        await desk.declare(the_registry())
    assert await outcome_of(desk, message) == "awaiting key-unknown"
    assert await outcome_of(desk, lie) == "refused seal-false"
    assert await outcome_of(desk, misplaced) == "refused misplaced"
    assert await desk.drawn_g() == 0
    assert await desk.rebuild() == []
    assert await desk.misfits() == []
    await desk.declare(without)
    assert await desk.drawn_g() == 1_000
    assert await desk.rebuild() == []
