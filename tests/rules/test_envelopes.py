"""Envelopes: who vouches for one, who holds a sequence, gaps, forks, chains, false seals and strangers."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from asyncpg.connection import LoggedQuery
from regulator_desk import (
    ARRIVED_AT,
    PROVINCE,
    Desk,
    Gateway,
    Message,
    a_draw,
    a_key,
    a_message,
    a_plant,
    again,
    an_allocation,
    an_enterprise,
    key_id_of,
    send,
    the_registry,
)
from rule_coverage import clears, fires

from monazite_consumers.decisions.gaps import MISSING_MAX, Decided, format_ranges, parse_ranges, runs
from monazite_consumers.rules.entries import Settings
from monazite_consumers.rules.envelopes import FORKS, OCCUPIES, REPEATS, Candidate, Coordinate, place
from monazite_consumers.watch.judging import Watch
from monazite_contracts.builders import MINE, a_signing_key
from monazite_contracts.envelope import SEQUENCE_MAX
from monazite_contracts.months import day_of
from monazite_contracts.receipts import Range

SETTLED = timedelta(minutes=15)


# --- pure


def candidate(number: int, value: bytes = b"a", seal: bytes = b"s", minute: int | None = None) -> Candidate:
    at = ARRIVED_AT + timedelta(minutes=number if minute is None else minute)
    return Candidate(number, Coordinate(at, "plant-production", 0, 1, number), value, "k", seal)


def test_the_earliest_occupies_equal_ones_repeat_it_and_others_fork() -> None:
    candidates = [candidate(1), candidate(2), candidate(3, b"b"), candidate(4, b"b"), candidate(5, b"b", b"other seal")]
    for order in permutations(candidates):
        found = place(order)
        assert [found[number] for number in range(1, 6)] == [OCCUPIES, REPEATS, FORKS, REPEATS, FORKS]


@pytest.mark.parametrize(
    ("field", "smaller", "larger"),
    [("arrived_at", ARRIVED_AT, ARRIVED_AT + timedelta(milliseconds=1)), ("topic", "a", "b"), ("partition", 1, 2),
     ("log_generation", 1, 2), ("log_offset", 1, 2)],
)  # fmt: skip
def test_earlier_means_the_smaller_coordinate(field: str, smaller: object, larger: object) -> None:
    at = Coordinate(ARRIVED_AT, "t", 1, 1, 1)
    assert at._replace(**{field: smaller}) < at._replace(**{field: larger})


def test_ranges_are_decided_through_the_first_gap_and_beyond_it() -> None:
    decided = Decided([(1, 4), (7, 7), (9, 12)])
    assert (decided.through, decided.beyond) == (4, [(7, 7), (9, 12)])
    headless = Decided([(2, 3)])
    assert (headless.through, headless.beyond) == (0, [(2, 3)])
    assert (Decided([]).through, Decided([]).beyond) == (0, [])


def test_ranges_are_read_and_written_as_postgresql_has_them() -> None:
    assert runs([5, 3, 8, 4]) == [(3, 5), (8, 8)]
    assert parse_ranges(format_ranges([(1, 2), (5, 6)])) == [(1, 2), (5, 6)]
    assert parse_ranges("{}") == []


# --- through the deciding transaction


@fires("envelope-gap")
@clears("envelope-gap")
async def test_a_gap_is_alerted_when_it_has_settled_and_clears_when_filled(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    first, lost, third = (gateway.send(a_draw(1, f"R-{n}")) for n in range(3))
    await desk.receive(first, third)
    arrived = gateway.at
    await desk.watch(arrived + SETTLED - timedelta(seconds=1))
    assert "envelope-gap" not in await desk.rules()
    await desk.watch(arrived + SETTLED)
    alert = (await desk.alerts())["envelope-gap", gateway.alerted, f"{day_of(arrived)}"]
    assert (alert["evidence"]["count"], alert["evidence"]["measure"], alert["province"]) == (1, 1, PROVINCE)
    assert alert["evidence"]["examples"] == [{"source": gateway.named, "first": 2, "last": 2}]
    await desk.receive(again(lost, timedelta(hours=2)))
    assert "envelope-gap" in await desk.rules("recovered")


async def test_a_gap_that_is_filled_in_time_is_never_alerted(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    first, second, third = (gateway.send(a_draw(1, f"R-{n}")) for n in range(3))
    await desk.receive(third)
    await desk.receive(first, second)
    await desk.watch(gateway.at + timedelta(days=1))
    assert "envelope-gap" not in {rule for rule, _, _ in await desk.alerts(None)}


async def test_watch_settles_by_its_own_clock_when_none_is_driven(desk: Desk) -> None:
    await desk.connection.execute("UPDATE platform SET instant = NULL")
    await desk.declare(the_registry())
    gateway, now = Gateway(), datetime.now(UTC)
    gateway.at = now
    gateway.lose(a_draw(1))
    await desk.receive(gateway.send(a_draw(1, "R-2")))
    times = iter((gateway.at + SETTLED - timedelta(seconds=1), gateway.at + SETTLED))
    watch = Watch(desk.url, desk.watching._health, now=lambda: next(times), apart_max=timedelta.max)
    await watch.pass_once(desk.connection)
    assert "envelope-gap" not in await desk.rules()
    await watch.pass_once(desk.connection)
    assert "envelope-gap" in await desk.rules()


async def test_a_longer_settle_time_takes_an_alert_back(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    gateway.lose(a_draw(1))
    await desk.receive(gateway.send(a_draw(1, "R-2")))
    await desk.watch(gateway.at + SETTLED)
    assert "envelope-gap" in await desk.rules()
    await desk.declare(the_registry(("settings", Settings(settle_minutes=60))))
    assert "envelope-gap" not in await desk.rules()


async def test_what_is_refused_by_content_fills_its_gap(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    await desk.receive(gateway.send(*[a_draw(1)] * 501), gateway.send(a_draw(1)))
    await desk.watch(gateway.at + timedelta(days=1))
    assert await desk.outcomes() == ["refused too-large", "applied"]
    assert not await desk.rules() & {"envelope-gap", "chain-broken"}


def forked() -> tuple[Gateway, list]:  # type: ignore[type-arg]
    gateway = Gateway()
    early = gateway.send(a_draw(100), at=ARRIVED_AT)
    late = gateway.send(a_draw(70), sequence=1, previous=None, at=ARRIVED_AT + timedelta(hours=1))
    return gateway, [early, late]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later first"])
@fires("envelope-fork")
async def test_of_two_envelopes_at_one_sequence_the_earlier_stands_and_the_fork_is_alerted(
    desk: Desk, order: tuple[int, int]
) -> None:
    gateway, messages = forked()
    await desk.declare(the_registry())
    for number in order:
        await desk.receive(messages[number])
    assert await desk.outcomes() == ["applied", "awaiting envelope-fork"]
    assert await desk.drawn_g() == 100_000
    evidence = await desk.evidence("envelope-fork")
    assert (evidence["count"], evidence["examples"]) == (1, [{"source": gateway.named, "sequence": 1}])


@clears("envelope-fork")
async def test_a_fork_stays_alerted_while_both_are_vouched_for(desk: Desk) -> None:
    gateway, messages = forked()
    await desk.declare(the_registry())
    await desk.receive(*messages, gateway.send(a_draw(1, "R-2")))
    await desk.watch(ARRIVED_AT + timedelta(days=300))
    assert "envelope-fork" in await desk.rules()


async def test_a_fork_rises_when_the_one_that_stood_is_not_vouched_for_any_more(desk: Desk) -> None:
    _, (early, late) = forked()
    await desk.declare(the_registry())
    await desk.receive(early, late)
    await desk.declare([*an_enterprise(), *a_plant()[:2], a_key(MINE, since=ARRIVED_AT + timedelta(minutes=30))])
    assert await desk.outcomes() == ["awaiting key-not-valid", "applied"]
    assert await desk.drawn_g() == 70_000
    await desk.declare(the_registry())
    assert await desk.outcomes() == ["applied", "awaiting envelope-fork"]


@fires("chain-broken")
@clears("chain-broken")
async def test_an_envelope_that_does_not_name_the_one_before_it_is_never_refused(desk: Desk) -> None:
    await desk.declare(the_registry(a_key(MINE, "gw-2")))
    gateway = Gateway(name="gw-2")
    first = gateway.send(a_draw(1))
    second = gateway.send(a_draw(1, "R-2"), previous=b"\0" * 32)
    await desk.receive(second)
    assert "chain-broken" not in await desk.rules(), "the one before it is not there yet"
    await desk.receive(first, gateway.send(a_draw(1, "R-3")))
    assert await desk.outcomes() == ["applied"] * 3
    evidence = await desk.evidence("chain-broken")
    assert (evidence["count"], evidence["examples"]) == (1, [{"source": gateway.named, "sequence": 2}])
    await desk.watch(ARRIVED_AT + timedelta(days=300))
    assert "chain-broken" in await desk.rules(), "nothing that follows mends it"
    await desk.declare(the_registry(a_key(MINE, "gw-2", revoked_from=ARRIVED_AT)))
    assert "chain-broken" in await desk.rules("retracted"), "what nobody sealed was never said"


async def test_the_first_envelope_of_a_source_names_none(desk: Desk) -> None:
    await desk.declare(the_registry())
    await desk.receive(Gateway().send(a_draw(1), previous=b"\0" * 32))
    assert "chain-broken" in await desk.rules()


async def test_a_fork_that_rises_is_held_to_the_chain_by_its_own_bytes(desk: Desk) -> None:
    """Its row once kept no hash of the one before it, so that it looked broken when its neighbour moved."""
    await desk.declare(the_registry())
    gateway = Gateway()
    first = gateway.send(a_draw(1), at=ARRIVED_AT)
    hash_of_first = gateway.previous
    early = gateway.send(a_draw(2, "R-2"), at=ARRIVED_AT + timedelta(minutes=1))
    late = gateway.send(a_draw(3, "R-3"), sequence=2, previous=hash_of_first, at=ARRIVED_AT + timedelta(hours=1))
    await desk.receive(early, late)
    registry = [*an_enterprise(), *a_plant()[:2], a_key(MINE, since=ARRIVED_AT + timedelta(minutes=30))]
    await desk.declare(registry)
    await desk.receive(again(first, timedelta(hours=2)))
    assert await desk.outcomes() == ["awaiting key-not-valid", "applied", "applied"]
    assert "chain-broken" not in await desk.rules()


@fires("seal-false")
@clears("seal-false")
async def test_a_false_seal_moves_nothing_and_stays_alerted_for_its_day(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    forged = gateway.send(a_draw(9), signed_by=a_signing_key("a forger"))
    await desk.receive(forged, again(forged))
    gateway.sequence = 0
    await desk.receive(gateway.send(a_draw(1), previous=None))
    assert await desk.drawn_g() == 1_000
    assert await desk.outcomes() == ["refused seal-false", "duplicate", "applied"]
    alert = (await desk.alerts())["seal-false", f"{MINE}/gw-1", "2023-05-05"]
    assert (alert["evidence"]["count"], alert["province"]) == (2, PROVINCE)
    await desk.watch(ARRIVED_AT + timedelta(days=300))
    assert "seal-false" in await desk.rules()


async def test_what_was_sealed_under_an_unknown_key_is_a_false_seal_once_the_key_is_known(desk: Desk) -> None:
    await desk.declare(the_registry())
    key_id = key_id_of(MINE, "gw-1", 2)
    await desk.receive(Gateway().send(a_draw(9), key_id=key_id, signed_by=a_signing_key("a forger")))
    assert await desk.outcomes() == ["awaiting key-unknown"]
    await desk.declare(the_registry(a_key(MINE, "gw-1", 2)))
    assert await desk.outcomes() == ["refused seal-false"]
    assert ("seal-false", f"{MINE}/gw-1", "2023-05-05") in await desk.alerts()
    assert await desk.rebuild() == []


@fires("source-unknown")
@clears("source-unknown")
async def test_a_stranger_awaits_and_a_registration_applies_what_it_sent(desk: Desk) -> None:
    await desk.declare(the_registry())
    stranger = Gateway("new-mine")
    first, second = stranger.send(a_draw(1, plant="new-mine")), stranger.send(a_draw(2, "R-2", plant="new-mine"))
    await desk.receive(first, again(first, timedelta(seconds=30)), second)
    assert await desk.outcomes() == ["awaiting source-unknown", "duplicate", "awaiting source-unknown"]
    assert (await desk.alerts())["source-unknown", "plant-production", ""]["evidence"]["count"] == 3
    await desk.declare(the_registry(*a_plant("new-mine")))
    assert await desk.outcomes() == ["applied", "duplicate", "applied"]
    assert "source-unknown" in await desk.rules("retracted")
    assert await desk.drawn_g() == 3_000


async def test_a_known_gateway_with_an_unknown_key_is_named(desk: Desk) -> None:
    await desk.declare(the_registry())
    await desk.receive(Gateway().send(a_draw(1), key_id="somebody"))
    assert ("source-unknown", f"{MINE}/gw-1", "") in await desk.alerts()


async def test_a_backdated_revocation_takes_back_what_the_key_had_sealed(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    gateway = Gateway()
    await desk.receive(gateway.send(a_draw(1)), gateway.send(a_draw(2, "R-2")), gateway.send(a_draw(1_000, "R-3")))
    revoked = a_key(MINE, revoked_from=ARRIVED_AT + timedelta(minutes=2))
    await desk.declare([*an_enterprise(), *a_plant()[:2], revoked, an_allocation(1)])
    assert await desk.outcomes() == ["applied", "awaiting key-not-valid", "awaiting key-not-valid"]
    assert await desk.drawn_g() == 1_000
    assert "cap-overrun-then" in await desk.rules("retracted")
    assert await desk.rebuild() == []


@fires("contract-refused")
@clears("contract-refused")
async def test_what_is_refused_by_content_is_said_of_its_gateway_and_day(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    odd = a_draw(1, "R-2", net_mass_kg="1 t")
    await desk.receive(gateway.send(a_draw(1), odd), gateway.send(*[a_draw(1)] * 501), gateway.send(a_draw(1)))
    alert = (await desk.alerts())["contract-refused", f"{MINE}/gw-1", "2023-05-05"]
    assert alert["evidence"]["count"] == 2
    await desk.receive(gateway.send(a_draw(3, "R-2")))
    await desk.watch(ARRIVED_AT + timedelta(days=300))
    assert "contract-refused" in await desk.rules(), "the right statement does not unsay the wrong one"


async def test_a_refused_envelope_that_an_earlier_one_displaces_is_a_fork_and_refused_no_more(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    early = gateway.send(a_draw(1), at=ARRIVED_AT)
    late = gateway.send(*[a_draw(1)] * 501, sequence=1, previous=None, at=ARRIVED_AT + timedelta(hours=1))
    await desk.receive(late)
    assert "contract-refused" in await desk.rules()
    await desk.receive(early)
    assert await desk.outcomes() == ["applied", "awaiting envelope-fork"]
    assert "contract-refused" in await desk.rules("retracted")
    assert await desk.rebuild() == []


@fires("unreadable")
@clears("unreadable")
async def test_what_names_nobody_is_said_of_its_topic_and_day(desk: Desk) -> None:
    await desk.declare(the_registry())
    source = Gateway().source
    await desk.receive(a_message(b"\xff", source), a_message(None, source), send(a_draw(1)))
    alert = (await desk.alerts())["unreadable", "plant-production", "2023-05-05"]
    assert (alert["evidence"]["count"], alert["province"]) == (2, None)
    await desk.receive(send(a_draw(1, "R-2")))
    await desk.watch(ARRIVED_AT + timedelta(days=300))
    assert "unreadable" in await desk.rules()


# --- floods


async def test_a_gateway_that_starts_a_hundred_times_and_skips_is_one_alert_with_a_counter(desk: Desk) -> None:
    await desk.declare(the_registry())
    starts = [Gateway(incarnation=f"{n:032x}") for n in range(100)]
    for gateway in starts:
        gateway.lose(a_draw(1))
    flood = [gateway.send(a_draw(1, f"R-{n}"), previous=b"\0" * 32) for n, gateway in enumerate(starts)]
    await desk.receive(*flood[:37])
    await desk.receive(*flood[37:])
    await desk.watch(ARRIVED_AT + timedelta(days=1))
    evidence = await desk.evidence("envelope-gap")
    assert (evidence["count"], evidence["measure"]) == (100, 100)
    cited = [{"source": gateway.named, "first": 1, "last": 1} for gateway in sorted(starts, key=lambda g: g.named)[:10]]
    assert evidence["examples"] == cited
    assert len(await desk.told("regulator-alerts-")) == 1
    assert await desk.misfits() == []
    assert await desk.rebuild() == []


@pytest.mark.parametrize("wrong", ["fork", "chain"])
async def test_sources_that_fork_or_break_their_chains_are_one_alert_a_gateway(desk: Desk, wrong: str) -> None:
    await desk.declare(the_registry())
    for n in range(30):
        gateway = Gateway(incarnation=f"{n:032x}")
        first = gateway.send(a_draw(1, f"R-{n}"))
        sequence = 1 if wrong == "fork" else 2
        previous = None if wrong == "fork" else b"\0" * 32
        await desk.receive(first, gateway.send(a_draw(2, f"S-{n}"), sequence=sequence, previous=previous))
    evidence = await desk.evidence("envelope-fork" if wrong == "fork" else "chain-broken")
    assert (evidence["count"], len(evidence["examples"])) == (30, 10)
    assert len(await desk.told("regulator-alerts-")) == 1
    assert await desk.misfits() == []
    assert await desk.rebuild() == []


async def test_gaps_as_wide_as_a_sequence_can_be_are_added_up(desk: Desk) -> None:
    """Counted one by one, a thousand such gaps would be more than the sum can hold, and halt the plant."""
    await desk.declare(the_registry())
    flood = [
        Gateway(incarnation=f"{n:032x}").send(a_draw(1, f"R-{n}"), sequence=SEQUENCE_MAX, previous=b"\0" * 32)
        for n in range(1_100)
    ]
    await desk.receive(*flood)
    await desk.watch(ARRIVED_AT + timedelta(days=1))
    evidence = await desk.evidence("envelope-gap")
    assert (evidence["count"], evidence["measure"]) == (1_100, 1_100 * MISSING_MAX)
    assert evidence["examples"][0]["last"] == SEQUENCE_MAX - 1


async def cost_of(desk: Desk, *messages: Message) -> tuple[int, int]:
    """What a decision says to PostgreSQL but for its receipt, in characters; how many known gaps it states anew."""
    said: list[LoggedQuery] = []
    stated = "SELECT message, xmin::text FROM findings WHERE rule = 'envelope-gap'"
    before = set(await desk.connection.fetch(stated))
    with desk.intakes[0]._connection.query_logger(said.append):
        await desk.receive(*messages)
    characters = sum(len(repr(query.args)) for query in said if "INTO outbox" not in query.query)
    return characters, len(before - set(await desk.connection.fetch(stated)))


async def test_a_batch_costs_what_it_changes_however_many_holes_its_source_has(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway, costs = Gateway(), []
    for last in (20, 400):
        while gateway.sequence < last:
            gateway.lose(a_draw(1))
            await desk.receive(gateway.send(a_draw(1, f"R-{gateway.sequence}"), previous=b"\0" * 32))
        gateway.lose(a_draw(1))
        said, stated_anew = await cost_of(desk, gateway.send(a_draw(1, f"R-{last}"), previous=b"\0" * 32))
        assert stated_anew == 0
        costs.append(said)
    assert costs[1] < costs[0] * 1.2
    assert (await desk.receipts(gateway.source))[-1].decided_beyond[0] == Range(first=2, last=2)


async def test_a_sequence_in_the_middle_of_a_gap_makes_two_of_it_and_its_loss_one_again(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    first, _, middle, _, last = (gateway.send(a_draw(1, f"R-{n}")) for n in range(5))
    await desk.receive(first, last)
    await desk.watch(ARRIVED_AT + timedelta(days=1))
    assert (await desk.evidence("envelope-gap"))["measure"] == 3
    registry = the_registry()
    await desk.receive(again(middle, timedelta(hours=1)))
    evidence = await desk.evidence("envelope-gap")
    assert (evidence["count"], evidence["measure"]) == (2, 2)
    assert {(cited["first"], cited["last"]) for cited in evidence["examples"]} == {(2, 2), (4, 4)}
    revoked = [*an_enterprise(), *a_plant()[:2], a_key(MINE, revoked_from=ARRIVED_AT + timedelta(minutes=30))]
    await desk.declare(revoked)
    assert (await desk.evidence("envelope-gap"))["measure"] == 3
    await desk.declare(registry)
    assert await desk.evidence("envelope-gap") == evidence
    assert await desk.rebuild() == []
