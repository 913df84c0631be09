"""`ledger verify`: what was changed behind the platform's back is found and named; what was not, fits."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from attacker import the_evil_plant
from every_alert import in_a_row
from regulator_desk import (
    ARRIVED_AT,
    Desk,
    Gateway,
    Message,
    a_draw,
    a_key,
    a_message,
    again,
    an_allocation,
    the_registry,
)
from tampering import CHANGES, ZEROS, envelopes

from monazite_consumers.verifying import Misfit
from monazite_contracts.builders import MINE, a_correction, a_signing_key, a_void


def a_history() -> list[Message]:
    """One of everything: plain, amended, refused, repeated, forked, awaiting, forged, with a gap, of no source."""
    gateway, second = Gateway(), Gateway(incarnation="2")
    first, voided = a_draw(600, "R-1"), a_draw(700, "R-2")
    said = [
        gateway.send(first, voided, a_draw(5, "R-3", net_mass_kg="5 t")),
        gateway.send(a_correction(first, {"net_mass_kg": "650.000"}), a_void(voided), a_draw(2, "R-3", test=True)),
        gateway.send(a_draw(1, "R-3"), a_draw(2, "R-3"), a_draw(1, "R-3")),
    ]
    gateway.lose(a_draw(1, "LOST"))
    said.append(gateway.send(a_draw(40, "R-4", claimed_reo_kg="1.000"), a_draw(41, "R-5")))
    said += [
        again(said[0]),
        second.send(a_draw(1, "R-6"), value=said[0].value),
        second.send(a_draw(1, "R-7"), key_id="nobody", sequence=9),
        second.send(*[a_draw(1)] * 501, sequence=1, previous=None),
        a_message(said[1].value, gateway.source, signed_by=a_signing_key("a forger")),
        a_message(b"{", gateway.source),
        a_message(None, gateway.source),
    ]
    return in_a_row(said)


@pytest.fixture
async def kept(desk: Desk) -> Desk:
    """A desk with such a history, watched until its absences have settled."""
    await desk.declare(the_registry(an_allocation(1), a_key(MINE, "gw-1", 2), *the_evil_plant()))
    for message in a_history():
        await desk.receive(message)
    await desk.watch(ARRIVED_AT + timedelta(days=1))
    return desk


async def test_what_nobody_has_changed_fits(kept: Desk) -> None:
    report = await kept.verify()
    assert report.misfits == []
    assert (report.messages, report.events) == (len(a_history()), 11)
    assert report.seals == 7
    assert report.told == await kept.connection.fetchval(
        "SELECT count(*) FILTER (WHERE topic LIKE 'receipts-%') + count(DISTINCT (topic, key)) FILTER"
        " (WHERE topic LIKE 'regulator-alerts%') FROM outbox"
    )
    assert report.revisions == 1
    assert await kept.rebuild() == []
    assert (await kept.verify()).fits


async def test_what_was_forgotten_after_its_time_is_not_missed(kept: Desk) -> None:
    await kept.connection.execute("UPDATE outbox SET written_at = written_at - interval '30 days'")
    await kept.connection.execute(CHANGES["a receipt in between is gone"][0])
    await kept.connection.execute(CHANGES["a receipt is gone"][0])
    assert (await kept.verify()).fits


LATELY = {
    "a receipt": ("DELETE FROM outbox WHERE topic LIKE 'receipts-%'", "a receipt"),
    "an alert": ("DELETE FROM outbox WHERE topic LIKE 'regulator-%'", "an alert"),
}


@pytest.mark.parametrize("what", LATELY)
async def test_what_was_decided_lately_is_missed_though_nothing_of_it_is_left(desk: Desk, what: str) -> None:
    change, expected = LATELY[what]
    await desk.declare(the_registry())
    await desk.connection.execute("UPDATE platform SET instant = NULL")
    await desk.receive(*in_a_row([Gateway().send(a_draw(1))], datetime.now(UTC)))
    assert (await desk.verify()).fits
    await desk.connection.execute(change)
    assert {(misfit.column, misfit.expected) for misfit in (await desk.verify()).misfits} == {("outbox", expected)}


async def test_what_awaits_the_registry_after_a_restore_is_not_expected_to_be_told_yet(kept: Desk) -> None:
    await kept.connection.execute("UPDATE platform SET epoch = 2, awaited_digest = 'x'")
    assert (await kept.verify()).fits


async def test_a_registry_that_was_changed_many_times_fits(kept: Desk) -> None:
    for tonnes in (2, 3):
        await kept.declare(the_registry(an_allocation(tonnes), a_key(MINE, "gw-1", 2), *the_evil_plant()))
    report = await kept.verify()
    assert report.misfits == []
    assert report.revisions == 3


@pytest.mark.parametrize("what", CHANGES)
async def test_a_row_that_is_changed_behind_the_platforms_back_is_found(kept: Desk, what: str) -> None:
    change, column = CHANGES[what]
    done = await kept.connection.execute(change)
    assert not done.endswith(" 0"), "the change changes something"
    report = await kept.verify()
    assert not report.fits
    assert column in report.by_column, dict(report.by_column)


# --- which byte


async def first(desk: Desk) -> Misfit:
    return (await desk.verify()).misfits[0]


async def test_the_first_misfit_says_where_it_is(kept: Desk) -> None:
    await kept.connection.execute(CHANGES["ledger.hash"][0])
    misfit, history = await first(kept), a_history()
    assert (misfit.column, misfit.source, misfit.sequence) == ("ledger.value", Gateway().named, 1)
    assert (misfit.topic, misfit.partition, misfit.offset) == (history[0].topic, history[0].partition, 0)
    assert misfit.found != misfit.expected == "00" * 32


TOLD: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], int | None], str]] = {
    "in an event": (
        lambda value: value.replace(b'"40.000"', b'"10.000"', 1),
        lambda value: value.index(b'{"data"'),
        "in event 0, bytes",
    ),
    "so that it is no JSON": (lambda value: value[:200] + b"\x00" + value[201:], lambda _: 200, "no JSON any more"),
    "outside the events": (
        lambda value: value.replace(b'"sequence":5', b'"sequence":6'),
        lambda _: None,
        "outside the events",
    ),
}


@pytest.mark.parametrize("how", TOLD)
async def test_a_changed_value_is_narrowed_down_by_the_hashes_of_its_events(kept: Desk, how: str) -> None:
    change, byte, detail = TOLD[how]
    row = await kept.connection.fetchrow(
        "SELECT message, value FROM ledger JOIN envelopes USING (message) WHERE sequence = 5 AND outcome = 'applied'"
    )
    assert row is not None
    value = change(row["value"])
    assert value != row["value"]
    await kept.connection.execute("UPDATE ledger SET value = $2 WHERE message = $1", row["message"], value)
    misfit = await first(kept)
    assert (misfit.message, misfit.column, misfit.byte) == (row["message"], "ledger.value", byte(value))
    assert detail in misfit.detail


async def test_a_repeat_tells_the_very_byte(kept: Desk) -> None:
    await kept.connection.execute(CHANGES["ledger.value"][0])
    misfit = await first(kept)
    assert misfit.byte == 59
    assert "by its repeat" in misfit.detail


# --- one source, and beside intake


async def test_one_source_is_verified_by_itself(kept: Desk) -> None:
    await kept.receive(Gateway("evil-mine").send(a_draw(1, plant="evil-mine")))
    await kept.connection.execute(envelopes(f"previous = {ZEROS}"))
    assert (await kept.verify("evil-mine")).fits
    assert (await kept.verify("evil-mine/gw-1")).messages == 1
    assert not (await kept.verify(MINE)).fits
    assert not (await kept.verify(Gateway().named)).fits
    assert (await kept.verify("evil")).messages == 0, "a part of a name is no name"


async def test_what_is_decided_meanwhile_makes_no_difference(kept: Desk) -> None:
    from monazite_consumers import database
    from monazite_consumers.verifying import VERIFYING_SESSION, verify

    other = await database.connect(kept.url, VERIFYING_SESSION)
    try:
        async with other.transaction(isolation="repeatable_read", readonly=True):
            await other.fetchval("SELECT count(*) FROM ledger")
            await kept.receive(Gateway(incarnation="3").send(a_draw(1, "R-9")))
            report = await verify(other)
        assert report.fits
        assert report.messages == len(a_history())
    finally:
        await other.close()


async def test_verifying_cannot_write(kept: Desk) -> None:
    import asyncpg

    from monazite_consumers import database
    from monazite_consumers.verifying import VERIFYING_SESSION

    other = await database.connect(kept.url, VERIFYING_SESSION)
    try:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await other.execute("DELETE FROM findings")
    finally:
        await other.close()


async def test_a_message_of_which_only_the_hash_was_kept_is_counted_as_such(desk: Desk) -> None:
    from monazite_consumers.rules.entries import Settings

    await desk.declare(the_registry(("settings", Settings(awaiting_per_source_max=1))))
    new = Gateway("new-mine")
    await desk.receive(*in_a_row([new.send(a_draw(n, f"R-{n}", plant="new-mine")) for n in (1, 2, 3)]))
    report = await desk.verify()
    assert (report.misfits, report.without_bytes) == ([], 2)


UNREPEATED = {
    "a repeat": ("outcome = 'duplicate'", "outcome = 'awaiting', rule = o.rule, field = o.field, remedy = o.remedy"),
    "what it repeats": ("rule = 'key-unknown'", "outcome = 'duplicate', rule = NULL, field = NULL, remedy = NULL"),
    "what was not kept": ("rule = 'awaiting-bound'", "outcome = 'duplicate', rule = NULL, field = NULL, remedy = NULL"),
}


@pytest.mark.parametrize("what", UNREPEATED)
async def test_of_equal_messages_that_nobody_vouches_for_one_is_kept_and_no_other(desk: Desk, what: str) -> None:
    from monazite_consumers.rules.entries import Settings

    await desk.declare(the_registry(("settings", Settings(awaiting_per_source_max=1))))
    first, second = (Gateway().send(a_draw(n, "R-1"), key_id="nobody") for n in (1, 2))
    for message in in_a_row([first, again(first), second]):
        await desk.receive(message)
    assert (await desk.verify()).fits
    which, change = UNREPEATED[what]
    await desk.connection.execute(
        f"UPDATE envelopes e SET {change} FROM envelopes o"  # noqa: S608 - our own words
        f" WHERE o.rule = 'key-unknown' AND e.message = (SELECT max(message) FROM envelopes WHERE {which})"
    )
    assert "envelopes.outcome" in (await desk.verify()).by_column
