"""Everything that was received is accounted for, and what is tampered with shows; what awaits is bounded."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

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
    an_enterprise,
    send,
    the_registry,
)

from monazite_consumers import database
from monazite_consumers.decisions import deciding, observing
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.entries import Settings
from monazite_contracts.builders import MINE, a_signing_key


async def a_day(desk: Desk) -> None:
    """Two messages of each outcome, and some events of each."""
    await desk.declare(the_registry())
    gateway = Gateway()
    first = gateway.send(a_draw(1), a_draw(2, "R-2", net_mass_kg="2 t"), a_draw(1), a_draw(3))
    unknown = send(a_draw(1), key_id="nobody")
    await desk.receive(first, again(first), unknown, a_message(b"noise", gateway.source))
    gateway.lose(a_draw(8, "R-8"))
    await desk.receive(gateway.send(a_draw(9, "R-9")), send(a_draw(4, "R-4", test=True)), again(unknown))


async def test_what_is_received_is_applied_awaiting_duplicate_or_refused(desk: Desk) -> None:
    await a_day(desk)
    account = await desk.reconcile()
    assert account.reconciled
    assert account.received == 7
    assert {o: account.total(o) for o in ("applied", "awaiting", "duplicate", "refused")} == {
        "applied": 3, "awaiting": 1, "duplicate": 2, "refused": 1,
    }  # fmt: skip
    assert account.events == {"applied": 2, "awaiting": 1, "duplicate": 1, "refused": 1}
    assert (account.test_events, account.missing) == (1, 1)


TAMPERINGS = {
    "an envelope is gone": "DELETE FROM envelopes WHERE message = (SELECT max(message) FROM envelopes)",
    "an envelope counts as another outcome": (
        "UPDATE envelopes SET outcome = 'refused', rule = 'not-json' WHERE outcome = 'awaiting'"
    ),
    "an event is gone": "DELETE FROM events WHERE index = 3",
    "an event is there twice": (
        "INSERT INTO events SELECT message, 9, plant, event_id, hash, type, event_time, 'duplicate', false, test"
        " FROM events WHERE index = 0 LIMIT 1"
    ),
    "a tally is off": "UPDATE tallies SET messages = messages + 1 WHERE outcome = 'applied'",
    "a tally is gone": "DELETE FROM tallies WHERE outcome = 'refused'",
    "a position has passed over something": (
        "UPDATE intake_positions SET next_offset = next_offset + 1, holes = holes + 1"
    ),
    "a position has moved": "UPDATE intake_positions SET next_offset = next_offset + 1, received = received + 1",
}


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_reconciling_fails_when(desk: Desk, what: str) -> None:
    await a_day(desk)
    done = await desk.connection.execute(TAMPERINGS[what])
    assert not done.endswith(" 0"), "the tampering changed nothing"
    assert not (await desk.reconcile()).reconciled


FORGERIES = {
    "draw_days": "UPDATE draw_days SET drawn_g = drawn_g + 1",
    "cap_days": "UPDATE cap_days SET original_g = original_g - 1",
    "caps": "UPDATE caps SET drawn_g = drawn_g + 1",
    "lots": "DELETE FROM lots",
    "events": "UPDATE events SET effective = NOT effective WHERE outcome = 'applied'",
    "envelopes": "UPDATE envelopes SET events = events + 1 WHERE outcome = 'applied'",
    "findings": "DELETE FROM findings",
    "finding_sums": "UPDATE finding_sums SET findings = findings + 1",
    "alerts": "UPDATE alerts SET evidence = '{}'",
    "source_states": "UPDATE source_states SET decided = '{[1,99)}'",
    "tallies": "UPDATE tallies SET messages = 0",
}


@pytest.mark.parametrize("projection", FORGERIES)
async def test_a_rebuild_shows_what_was_forged_and_puts_it_right(desk: Desk, projection: str) -> None:
    await a_day(desk)
    assert await desk.rebuild() == []
    await desk.connection.execute(FORGERIES[projection])
    assert projection in {difference.projection for difference in await desk.rebuild()}
    await desk.rebuild(keep=True)
    assert await desk.rebuild() == []
    assert (await desk.reconcile()).reconciled


async def test_a_rebuild_without_keeping_changes_nothing(desk: Desk) -> None:
    await a_day(desk)
    await desk.connection.execute(FORGERIES["caps"])
    forged_g = await desk.drawn_g()
    await desk.rebuild()
    assert await desk.drawn_g() == forged_g


# --- the bound on what awaits


def bound(per_source: int, total: int) -> tuple[str, Settings]:
    return "settings", Settings(awaiting_per_source_max=per_source, awaiting_total_max=total)


def strangers(number: int, plant: str = "new-mine") -> list[Message]:
    gateway = Gateway(plant)
    return [gateway.send(a_draw(1, f"R-{n}", plant=plant)) for n in range(number)]


@pytest.mark.parametrize("batches", [1, 5])
async def test_beyond_the_bound_only_coordinate_and_hash_are_kept(desk: Desk, batches: int) -> None:
    await desk.declare(the_registry(bound(3, 100)))
    messages = strangers(5)
    size = 5 // batches
    for start in range(0, 5, size):
        await desk.receive(*messages[start : start + size])
    rows = await desk.connection.fetch("SELECT value IS NULL AS gone, size, hash FROM ledger ORDER BY arrived_at")
    assert [row["gone"] for row in rows] == [False] * 3 + [True] * 2
    assert [row["size"] for row in rows] == [len(message.value or b"") for message in messages]
    assert (await desk.outcomes())[3:] == ["awaiting awaiting-bound"] * 2
    assert await desk.rebuild() == []
    assert (await desk.reconcile()).reconciled


async def test_the_bound_in_all_holds_across_sources(desk: Desk) -> None:
    await desk.declare(the_registry(bound(3, 4)))
    await desk.receive(*strangers(3), *strangers(3, "newer-mine"))
    kept = "SELECT count(*) FROM ledger WHERE value IS NOT NULL"
    assert await desk.connection.fetchval(kept) == 4


async def test_no_receipt_mentions_what_was_not_kept_and_sending_it_again_applies_it(desk: Desk) -> None:
    await desk.declare(the_registry(bound(2, 100)))
    messages = strangers(3)
    await desk.receive(*messages)
    await desk.declare(the_registry(bound(2, 100), *a_plant("new-mine")))
    (receipt,) = await desk.receipts()
    assert (receipt.decided_through, receipt.entries) == (2, ())
    await desk.receive(again(messages[2]))
    assert (await desk.receipts())[-1].decided_through == 3
    assert await desk.drawn_g() == 3_000
    assert await desk.rebuild() == []


async def test_a_rebuild_keeps_what_awaits_though_the_bound_is_lower_now(desk: Desk) -> None:
    await desk.declare(the_registry())
    await desk.receive(*strangers(3))
    await desk.declare(the_registry(bound(1, 1)))
    assert await desk.rebuild(keep=True) == []
    await desk.declare(the_registry(bound(1, 1), *a_plant("new-mine")))
    assert await desk.drawn_g() == 3_000


async def test_repeats_of_what_was_not_kept_are_not_kept_either(desk: Desk) -> None:
    await desk.declare(the_registry(bound(1, 100)))
    messages = strangers(2)
    await desk.receive(*messages)
    await desk.receive(again(messages[1]), again(messages[1], timedelta(hours=1)))
    assert await desk.connection.fetchval("SELECT count(*) FROM ledger WHERE value IS NOT NULL") == 1
    assert await desk.rebuild() == []


async def test_the_alert_clears_once_what_was_not_kept_was_sent_again_and_applied(desk: Desk) -> None:
    await desk.declare(the_registry(bound(2, 100)))
    messages = strangers(4)
    await desk.receive(*messages)
    await desk.declare(the_registry(bound(2, 100), *a_plant("new-mine")))
    assert "source-unknown" in await desk.rules(), "two are still missing"
    await desk.receive(again(messages[2]))
    assert (await desk.evidence("source-unknown"))["count"] == 1
    await desk.receive(again(messages[3]))
    assert await desk.outcomes() == ["applied"] * 2 + ["duplicate"] * 2 + ["applied"] * 2
    assert "source-unknown" not in await desk.rules()
    assert await desk.drawn_g() == 4_000
    assert (await desk.reconcile()).reconciled
    assert await desk.rebuild() == []


async def test_a_copy_of_what_is_kept_awaits_no_room(desk: Desk) -> None:
    """Elsewhere or under another key it is no repeat of what stands, but nothing of it is missing either."""
    await desk.declare(the_registry(bound(1, 100)))
    (message,) = strangers(1)
    copies = [again(message, key=b"elsewhere"), again(message, headers=[("key", b"x"), *list(message.headers)[1:]])]
    await desk.receive(message)
    await desk.receive(*copies)
    assert await desk.outcomes() == ["awaiting source-unknown", "duplicate", "awaiting source-unknown"]
    await desk.receive(again(copies[1], timedelta(hours=1), headers=copies[0].headers, key=b"other"))
    assert (await desk.outcomes())[-1] == "duplicate"
    assert await desk.rebuild() == []


@pytest.mark.parametrize("batches", [1, 2, 4])
async def test_whether_it_comes_again_before_or_after_a_registration_makes_no_difference(
    desk: Desk, batches: int
) -> None:
    await desk.declare(the_registry(bound(1, 1)))
    first, second = strangers(2)
    said = [first, second, again(second), again(second, timedelta(hours=1))]
    size = 4 // batches
    for start in range(0, 4, size):
        await desk.receive(*said[start : start + size])
    assert await desk.outcomes() == ["awaiting source-unknown"] + ["awaiting awaiting-bound"] * 3
    await desk.declare(the_registry(bound(1, 1), *a_plant("new-mine")))
    await desk.receive(again(second, timedelta(hours=2)))
    assert await desk.outcomes() == ["applied"] + ["duplicate"] * 3 + ["applied"]
    assert "source-unknown" not in await desk.rules()
    assert await desk.rebuild() == []


@pytest.mark.parametrize(
    ("sealed_with", "outcome"), [("new-mine.gw-1.1", "awaiting key-of-another"), ("nobody", "refused seal-false")]
)
async def test_what_awaits_an_unknown_key_is_decided_again_when_the_key_is_registered_for_another_plant(
    desk: Desk, sealed_with: str, outcome: str
) -> None:
    await desk.declare(the_registry())
    await desk.receive(Gateway().send(a_draw(1), key_id="new-mine.gw-1.1", signed_by=a_signing_key(sealed_with)))
    assert await desk.outcomes() == ["awaiting key-unknown"]
    await desk.declare(the_registry(*a_plant("new-mine")))
    assert await desk.outcomes() == [outcome]
    assert await desk.rebuild() == []


# --- two members at once


COUNTED_ANEW = """
SELECT k.rule, k.subject, k.period, count(f.message) AS count, min(f.at) AS first_at, max(f.at) AS last_at,
       coalesce(sum(f.measure), 0)::bigint AS measure
FROM unnest($1::text[], $2::text[], $3::text[]) AS k (rule, subject, period)
LEFT JOIN findings f USING (rule, subject, period) GROUP BY k.rule, k.subject, k.period
"""


async def _counted_anew(connection: database.Connection, keys: list[AlertKey]) -> list[Any]:
    """As alerts were counted before there were sums, whose rows are locks as well."""
    return list(await connection.fetch(COUNTED_ANEW, *transposed(keys, 3)))


async def _nothing(*_: object) -> None:
    pass


@pytest.mark.parametrize(("locks", "count"), [(True, 2), (False, 1)])
async def test_two_members_that_find_the_same_alert_do_not_overwrite_each_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *, locks: bool, count: int
) -> None:
    """Both find strangers on one topic, from plants whose locks differ: without a lock one count would be lost."""
    if not locks:
        monkeypatch.setattr(deciding, "OF_SEVERAL_PLANTS", frozenset())
        monkeypatch.setattr(deciding.posting, "write_finding_sums", _nothing)
        monkeypatch.setattr(observing, "_sums", _counted_anew)
    shipped, observed, go_on = deciding.publish, asyncio.Event(), asyncio.Event()

    async def publish(*arguments: Any, **options: Any) -> Any:
        if not observed.is_set():  # the first has counted what there is, and not committed
            observed.set()
            await go_on.wait()
        return await shipped(*arguments, **options)

    await desk.declare(the_registry())
    monkeypatch.setattr(deciding, "publish", publish)
    one, other = (send(a_draw(1, plant=plant), key_id="x") for plant in ("mine-a", "mine-b"))
    await desk.open(one.tp, other.tp)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(desk.receive(one, member=0))
        await observed.wait()
        second = tasks.create_task(desk.receive(other, member=1))
        while not second.done() and not await waits_for_a_lock(desk):  # noqa: ASYNC110 - the event lies in PostgreSQL
            await asyncio.sleep(0)
        go_on.set()
    alert = (await desk.alerts())["source-unknown", "plant-production", ""]
    assert alert["evidence"]["count"] == count


async def waits_for_a_lock(desk: Desk) -> bool:
    query = """
        SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
    return bool(await desk.connection.fetchval(query))


async def test_two_gateways_of_one_plant_are_decided_one_after_the_other(desk: Desk) -> None:
    await desk.declare(the_registry(a_key(MINE, "gw-4")))
    first, second = Gateway(), Gateway(name="gw-4")
    events = [a_draw(1, f"R-{n}") for n in range(20)]
    batches = [first.send(*events), second.send(*events)]
    assert batches[0].partition != batches[1].partition
    await desk.open(*(message.tp for message in batches))
    await asyncio.gather(*(desk.receive(message, member=number) for number, message in enumerate(batches)))
    assert await desk.drawn_g() == 20_000
    assert sorted(await desk.event_outcomes()) == ["applied"] * 20 + ["duplicate"] * 20
    assert await desk.rebuild() == []


async def test_a_batch_that_fails_leaves_nothing_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    await desk.declare(the_registry())
    message = send(a_draw(1), signed_by=a_signing_key("a forger"))
    monkeypatch.setattr(deciding, "publish", fail)
    with pytest.raises(ZeroDivisionError):
        await desk.receive(message)
    monkeypatch.undo()
    assert await desk.outcomes() == []
    assert await desk.connection.fetchval("SELECT sum(received) FROM intake_positions") == 0
    await desk.receive(replace(message, timestamp=int(ARRIVED_AT.timestamp() * 1000)))
    assert (await desk.reconcile()).reconciled


async def test_a_cap_that_loses_its_draws_while_a_setting_changes_loses_its_alert(desk: Desk) -> None:
    await desk.declare([*an_enterprise(), *an_enterprise("south"), *a_plant(enterprise="south")])
    await desk.receive(send(a_draw(1)))
    assert ("cap-not-issued", "south/mining_rock", "2023") in await desk.alerts()
    moved = [*an_enterprise(), *an_enterprise("south"), *a_plant(), ("settings", Settings(long_past_days=7))]
    await desk.declare(moved)
    assert ("cap-not-issued", "south/mining_rock", "2023") not in await desk.alerts()
    assert await desk.rebuild() == []
