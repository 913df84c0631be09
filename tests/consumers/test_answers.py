"""What plants are told: receipts; and dead letters where nobody is named."""

from datetime import timedelta
from typing import Any

from regulator_desk import (
    ARRIVED_AT,
    Desk,
    Gateway,
    a_draw,
    a_key,
    a_message,
    a_plant,
    again,
    an_enterprise,
    send,
    the_registry,
)

from monazite_consumers.decisions.answers import ENTRIES_MAX, FIELD_CHARS_MAX, RANGES_MAX, REMEDY_CHARS_MAX
from monazite_contracts.builders import MINE, a_signing_key, a_void
from monazite_contracts.deadletters import HEAD_BYTES
from monazite_contracts.envelope import value_hash
from monazite_contracts.receipts import Outcome, Range, Receipt, ReceiptEntry
from monazite_contracts.seal import decode_base64url


async def newest(desk: Desk, gateway: Gateway) -> Receipt:
    return (await desk.receipts(gateway.source))[-1]


def ranges(receipt: Receipt) -> list[tuple[int, int]]:
    return [(each.first, each.last) for each in receipt.decided_beyond]


def said(receipt: Receipt) -> list[tuple[Any, ...]]:
    return [(e.sequence, e.index, e.outcome.value, e.flagged, e.rule) for e in receipt.entries]


async def test_a_receipt_says_through_where_all_is_decided_with_its_hash_and_what_beyond(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    messages = [gateway.send(a_draw(1, f"R-{n}")) for n in range(1, 7)]
    await desk.receive(messages[0], messages[1], messages[3], messages[5])
    receipt = await newest(desk, gateway)
    assert (receipt.epoch, receipt.number, receipt.decided_through) == (1, 1, 2)
    assert receipt.decided_hash == value_hash(messages[1].value or b"").hex()
    assert ranges(receipt) == [(4, 4), (6, 6)]
    assert receipt.entries == ()
    await desk.receive(messages[2], messages[4])
    receipt = await newest(desk, gateway)
    assert (receipt.number, receipt.decided_through, ranges(receipt)) == (2, 6, [])
    assert receipt.decided_hash == value_hash(messages[5].value or b"").hex()


async def test_nothing_is_decided_through_while_the_first_is_missing(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    gateway.lose(a_draw(1))
    await desk.receive(gateway.send(a_draw(1, "R-2")))
    receipt = await newest(desk, gateway)
    assert (receipt.decided_through, receipt.decided_hash, ranges(receipt)) == (0, None, [(2, 2)])


async def test_entries_say_what_is_not_simply_applied_with_rule_field_and_remedy(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    events = (
        a_draw(1),
        a_draw(2, "R-2", net_mass_kg="2 t"),
        a_draw(1),
        a_draw(7),
        a_draw(3, "R-3", claimed_reo_kg="1.000"),
    )
    await desk.receive(gateway.send(*events), gateway.send(*[a_draw(1)] * 501))
    receipt = await newest(desk, gateway)
    assert said(receipt) == [
        (2, None, "refused", False, "too-large"),
        (1, 1, "refused", False, "wrong-format"),
        (1, 2, "duplicate", False, None),
        (1, 3, "awaiting", False, "event-conflict"),
        (1, 4, "applied", True, "claimed-reo"),
    ]
    by_index = {entry.index: entry for entry in receipt.entries}
    assert by_index[1].field == "data.net_mass_kg"
    assert all(entry.remedy for entry in receipt.entries if entry.rule)
    assert by_index[4].event_id == events[4]["id"]
    assert receipt.decided_through == 2


async def test_what_awaits_is_told_and_so_is_what_comes_of_it(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    await desk.receive(gateway.send(a_draw(1), key_id=f"{MINE}.gw-1.2"))
    receipt = await newest(desk, gateway)
    assert (receipt.decided_through, said(receipt)) == (0, [(1, None, "awaiting", False, "key-unknown")])
    await desk.declare(the_registry(a_key(MINE, "gw-1", 2)))
    receipt = await newest(desk, gateway)
    assert (receipt.number, receipt.decided_through) == (2, 1)


async def test_a_take_back_is_told(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    await desk.receive(gateway.send(a_draw(1)), gateway.send(a_draw(2, "R-2")))
    revoked = a_key(MINE, revoked_from=ARRIVED_AT + timedelta(minutes=2))
    await desk.declare([*an_enterprise(), *a_plant()[:2], revoked])
    receipt = await newest(desk, gateway)
    assert (receipt.decided_through, said(receipt)) == (1, [(2, None, "awaiting", False, "key-not-valid")])


async def test_an_event_that_an_earlier_one_displaces_is_told_to_its_own_source(desk: Desk) -> None:
    await desk.declare(the_registry(a_key(MINE, "gw-2")))
    late, early = Gateway(), Gateway(name="gw-2")
    await desk.receive(late.send(a_draw(7), at=ARRIVED_AT + timedelta(hours=1)))
    await desk.receive(early.send(a_draw(1), at=ARRIVED_AT))
    assert said(await newest(desk, late)) == [(1, 0, "awaiting", False, "event-conflict")]
    assert said(await newest(desk, early)) == []


async def test_a_plants_resend_is_answered_with_the_outcome_that_holds(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    message = gateway.send(a_draw(1))
    await desk.receive(message)
    await desk.receive(again(message))
    receipt = await newest(desk, gateway)
    assert (receipt.number, receipt.decided_through) == (2, 1)
    assert said(receipt) == [(1, None, "duplicate", False, None)]


async def test_many_entries_make_several_receipts_with_growing_numbers(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    await desk.receive(*[gateway.send(*[a_draw(1)] * 500) for _ in range(3)])
    receipts = await desk.receipts(gateway.source)
    assert [(receipt.number, len(receipt.entries)) for receipt in receipts] == [
        (1, 300),
        (2, 300),
        (3, 300),
        (4, 300),
        (5, 299),
    ]
    assert {receipt.decided_through for receipt in receipts} == {3}


async def test_each_source_is_answered_for_itself_on_its_plants_topic(desk: Desk) -> None:
    await desk.declare(the_registry(*a_plant("other-mine")))
    mine, other = Gateway(), Gateway("other-mine")
    await desk.receive(mine.send(a_draw(1)), other.send(a_draw(1, plant="other-mine")))
    told = {topic: message["source"]["plant"] for topic, message in await desk.told("receipts-")}
    assert told == {f"receipts-{MINE}": MINE, "receipts-other-mine": "other-mine"}


async def test_a_stranger_is_not_answered(desk: Desk) -> None:
    await desk.declare(the_registry())
    stranger = Gateway("new-mine")
    await desk.receive(stranger.send(a_draw(1, plant="new-mine")))
    assert await desk.told("receipts-") == []
    await desk.declare(the_registry(*a_plant("new-mine")))
    assert (await newest(desk, stranger)).decided_through == 1


async def test_what_a_forger_sends_is_not_told_to_whom_he_names(desk: Desk) -> None:
    await desk.declare(the_registry())
    await desk.receive(Gateway().send(a_draw(1), signed_by=a_signing_key("a forger")))
    assert await desk.told("receipts-") == []
    assert len(await desk.dead_letters()) == 1


async def test_a_dead_letter_carries_coordinate_hash_and_the_first_bytes(desk: Desk) -> None:
    await desk.declare(the_registry())
    value = b"\xff" * (HEAD_BYTES + 1)
    message = a_message(value, Gateway().source)
    await desk.receive(message, again(message))
    (letter,) = await desk.dead_letters()
    assert (letter.topic, letter.partition, letter.offset) == (message.topic, message.partition, message.offset)
    assert (letter.hash, letter.rule, letter.arrived_at) == (value_hash(value).hex(), "not-json", ARRIVED_AT)
    assert decode_base64url(letter.head, HEAD_BYTES) == value[:HEAD_BYTES]


async def test_numbers_never_fall_even_when_projections_are_rebuilt(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    await desk.receive(gateway.send(a_draw(1)))
    await desk.rebuild(keep=True)
    await desk.receive(gateway.send(a_draw(1, "R-2")))
    assert [receipt.number for receipt in await desk.receipts(gateway.source)] == [1, 2]


async def test_a_flag_on_a_correction_is_told_where_the_correction_stands(desk: Desk) -> None:
    await desk.declare(the_registry())
    stated = a_draw(1)
    await desk.receive(send(stated), send(a_void(stated)))
    gateway = Gateway()
    await desk.receive(gateway.send(a_void(stated, record="V-2")))
    entries = (await newest(desk, gateway)).entries
    assert [(entry.outcome, entry.rule) for entry in entries] == [(Outcome.APPLIED, "amendment-rival")]


def test_the_largest_receipt_fits_into_what_a_broker_takes() -> None:
    """Every text as long as it may be, of characters that take four bytes; 1 MiB is Kafka's own default."""
    entry = ReceiptEntry(
        sequence=2**53 - 1,
        envelope_hash="a" * 64,
        index=499,
        event_id="00000000-0000-5000-8000-000000000000",
        outcome=Outcome.AWAITING,
        rule="r" * 200,
        field="\N{GRINNING FACE}" * FIELD_CHARS_MAX,
        remedy="\N{GRINNING FACE}" * REMEDY_CHARS_MAX,
    )
    receipt = Receipt(
        type="monazite.receipt.v1",
        source=Gateway().source,
        epoch=2**31 - 1,
        number=2**53 - 1,
        decided_through=2**53 - 1,
        decided_hash="a" * 64,
        decided_beyond=(Range(first=2**53 - 1, last=2**53 - 1),) * RANGES_MAX,
        entries=(entry,) * ENTRIES_MAX,
        issued_at=ARRIVED_AT,
    )
    assert len(receipt.model_dump_json().encode()) < 1024 * 1024 - 1024
