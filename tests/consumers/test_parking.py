"""What makes our own code raise: one message is parked and paged, everything else goes on, and a release decides it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from regulator_desk import (
    ARRIVED_AT,
    MINE,
    OPENED_AT,
    Desk,
    Gateway,
    Message,
    a_draw,
    a_key,
    again,
    an_allocation,
    key_id_of,
    the_registry,
)

from monazite_consumers.decisions import claims, deciding, reading, rebuilding
from monazite_consumers.errors import FaultError
from monazite_consumers.intake import consuming
from monazite_consumers.patience import DECIDED_PER_FAULT, FAULTS_MAX, Patience
from monazite_contracts.receipts import Outcome, ReceiptEntry

ODD = 3
"""The draw, in kilograms, that makes our code raise."""


def is_odd(message: Message) -> bool:
    return f'"net_mass_kg":"{ODD}.000"'.encode() in (message.value or b"")


Break = Callable[[pytest.MonkeyPatch], None]


def _raising(module: Any, name: str, odd: Callable[[tuple[Any, ...]], bool]) -> Break:
    """Makes one of our functions raise whenever its arguments are odd."""

    def breaking(monkeypatch: pytest.MonkeyPatch) -> None:
        shipped = getattr(module, name)

        def broken(*arguments: Any, **named: Any) -> Any:
            if odd(arguments):
                raise ZeroDivisionError(name)
            return shipped(*arguments, **named)

        monkeypatch.setattr(module, name, broken)

    return breaking


def _odd_value(arguments: tuple[Any, ...]) -> bool:
    return any(isinstance(a, bytes) and f'"net_mass_kg":"{ODD}.000"'.encode() in a for a in arguments)


def _odd_arrival(arguments: tuple[Any, ...]) -> bool:
    return not arguments[0].is_parked and _odd_value((arguments[0].value,))


def _odd_standing(arguments: tuple[Any, ...]) -> bool:
    return any(_odd_draws(standing.opened.events) for standing in arguments[1])


def _odd_draws(events: Sequence[Any]) -> bool:
    return any(e.event is not None and e.event.data.net_mass_kg == f"{ODD}.000" for e in events)


def _odd_sums(arguments: tuple[Any, ...]) -> bool:
    return any(total.drawn_g % 10_000 == ODD * 1000 for total in arguments[2].draws.values())


BREAKS: dict[str, Break] = {
    "opening": _raising(reading, "open_value", _odd_value),
    "vouching": _raising(deciding, "vouch", _odd_arrival),
    "claiming": _raising(deciding, "settle_claims", _odd_standing),
    "posting": _raising(deciding.posting, "write_caps", _odd_sums),
}


@pytest.mark.parametrize("where", BREAKS)
async def test_one_message_that_makes_our_code_raise_is_parked_and_the_stream_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    await desk.declare(the_registry())
    BREAKS[where](monkeypatch)
    gateways = [Gateway(incarnation=f"{number}") for number in range(7)]
    messages = [gateway.send(a_draw(10 * n if n != ODD else ODD, f"R-{n}")) for n, gateway in enumerate(gateways, 1)]
    await desk.consume(*messages)
    assert await desk.outcomes() == ["awaiting platform-fault" if is_odd(m) else "applied" for m in messages]
    assert await desk.drawn_g() == sum(10_000 * n for n in range(1, 8) if n != ODD)
    assert ("platform-fault", "intake", "2023-05-05") in await desk.alerts()
    await everything_is_kept(desk, messages)
    if where not in {"opening", "posting"}:
        assert await entries(desk, gateways[ODD - 1]) == [(1, Outcome.AWAITING, "platform-fault")]


async def everything_is_kept(desk: Desk, messages: Sequence[Message]) -> None:
    """Byte for byte, each coordinate once, and it all adds up."""
    rows = await desk.connection.fetch("SELECT topic, partition, log_offset, value FROM ledger")
    assert {tuple(row) for row in rows} == {(m.topic, m.partition, m.offset, m.value) for m in messages}
    account = await desk.reconcile()
    assert account.reconciled
    assert account.received == len(messages)


async def entries(desk: Desk, gateway: Gateway) -> list[tuple[int, Outcome, str | None]]:
    """Of all receipts of a gateway's source, in order."""
    found: list[ReceiptEntry] = [entry for receipt in await desk.receipts(gateway.source) for entry in receipt.entries]
    return [(entry.sequence, entry.outcome, entry.rule) for entry in found]


async def test_what_was_parked_is_decided_by_a_rebuild_under_a_release_that_does_not_raise(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    messages = [gateway.send(a_draw(1)), gateway.send(a_draw(ODD, "R-2"), a_draw(1)), gateway.send(a_draw(4, "R-3"))]
    with monkeypatch.context() as broken:
        BREAKS["claiming"](broken)
        await desk.consume(*messages)
        assert await desk.rebuild() == [], "the same release parks the same message when it rebuilds"
        assert await desk.drawn_g() == 5_000
        assert (await desk.receipts(gateway.source))[-1].decided_through == 1
    await desk.rebuild(keep=True)
    assert await desk.outcomes() == ["applied"] * 3
    assert await desk.drawn_g() == 8_000
    assert "platform-fault" in await desk.rules("retracted")
    receipt = (await desk.receipts(gateway.source))[-1]
    assert receipt.decided_through == 3
    told = [(entry.sequence, entry.index, entry.outcome) for entry in receipt.entries]
    assert told == [(2, None, Outcome.APPLIED), (2, 0, Outcome.APPLIED), (2, 1, Outcome.DUPLICATE)]
    assert await desk.rebuild() == []
    await everything_is_kept(desk, messages)


async def test_a_parked_message_that_is_sent_again_is_a_duplicate_and_later_stands_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.declare(the_registry())
    message = Gateway().send(a_draw(ODD))
    with monkeypatch.context() as broken:
        BREAKS["claiming"](broken)
        await desk.consume(message)
        await desk.consume(again(message))
        assert await desk.outcomes() == ["awaiting platform-fault", "duplicate"]
    await desk.consume(again(message, timedelta(minutes=2)))
    assert await desk.drawn_g() == ODD * 1000
    await desk.rebuild(keep=True)
    assert await desk.outcomes() == ["applied", "duplicate", "duplicate"]
    assert await desk.drawn_g() == ODD * 1000


async def test_where_even_the_telling_raises_the_bytes_are_kept_and_counted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.declare(the_registry())
    messages = [Gateway(incarnation="1").send(a_draw(1)), Gateway(incarnation="2").send(a_draw(ODD, "R-2"))]
    with monkeypatch.context() as broken:
        BREAKS["claiming"](broken)
        _raising(deciding, "observe", lambda given: any(key.rule == "platform-fault" for key in given[2]))(broken)
        await desk.consume(*messages)
    assert await desk.outcomes() == ["applied", "awaiting platform-fault"]
    await everything_is_kept(desk, messages)
    await desk.rebuild(keep=True)
    assert await desk.outcomes() == ["applied"] * 2


async def test_a_fault_that_does_not_come_again_parks_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.declare(the_registry())
    tries = iter([True])
    _raising(deciding, "settle_claims", lambda _: next(tries, False))(monkeypatch)
    await desk.consume(Gateway().send(a_draw(1)))
    assert await desk.outcomes() == ["applied"]


async def test_a_member_stops_only_when_faults_exceed_a_rate(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.declare(the_registry())
    _raising(deciding, "settle_claims", _odd_standing)(monkeypatch)
    monkeypatch.setattr(desk.intakes[0], "_patience", Patience())
    desk.intakes[0]._patience._left = 2 * DECIDED_PER_FAULT
    odd = [Gateway(incarnation=f"{n}").send(a_draw(ODD, f"R-{n}")) for n in range(4)]
    with pytest.raises(FaultError):
        await desk.consume(*odd)
    assert await desk.outcomes() == ["awaiting platform-fault"] * 2, "what was parked before stays so"
    account = await desk.reconcile()
    assert (account.reconciled, account.received) == (True, 2), "what stopped it is still to be read"


def test_patience_is_a_rate() -> None:
    patience = Patience()
    assert [patience.endures() for _ in range(FAULTS_MAX + 1)] == [True] * FAULTS_MAX + [False]
    patience.decided(2 * DECIDED_PER_FAULT)
    assert patience.endures()
    patience.decided(10**9)
    assert [patience.endures() for _ in range(FAULTS_MAX + 1)] == [True] * FAULTS_MAX + [False]


async def test_a_fault_of_the_registry_parks_no_message(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.declare(the_registry())
    monkeypatch.setattr(consuming.register, "load", None)
    with pytest.raises(TypeError):
        await desk.consume(Gateway().send(a_draw(1)), Gateway(incarnation="2").send(a_draw(1)))
    assert await desk.outcomes() == []


async def test_a_sum_that_no_column_holds_parks_the_message_that_made_it(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    await desk.consume(Gateway(incarnation="1").send(a_draw(1)))
    await desk.connection.execute("UPDATE caps SET drawn_g = 9223372036854775807 - 2000")
    messages = [Gateway(incarnation=f"{n}").send(a_draw(mass, f"R-{n}")) for n, mass in enumerate((1, 5), 2)]
    await desk.consume(*messages)
    assert await desk.outcomes() == ["applied", "applied", "awaiting platform-fault"]
    await desk.rebuild(keep=True)
    assert await desk.outcomes() == ["applied"] * 3
    assert await desk.drawn_g() == 7_000


async def test_a_cap_overrun_a_thousand_million_times_is_told_like_any_other(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    mass = "999999999.999"
    draws = [a_draw(mass, f"R-{n}") for n in range(30)]
    await desk.consume(Gateway().send(*draws))
    assert await desk.outcomes() == ["applied"]
    overrun = (await desk.alerts())["cap-overrun", "shihe/mining_rock", "2023"]
    assert (overrun["percent"], overrun["evidence"]["drawn_g"]) == (1_000_000, 30 * 999_999_999_999)


@pytest.mark.parametrize("timestamp_ms", [253_402_300_799_999, 2**63 - 1, -1, -62_135_596_800_000, -(2**63)])
async def test_a_timestamp_at_the_end_of_the_calendar_makes_nothing_raise(desk: Desk, timestamp_ms: int) -> None:
    await desk.declare(the_registry())
    first = Gateway().send(a_draw(1))
    await desk.consume(first, again(first, value=b"noise", timestamp=timestamp_ms))
    assert sorted(await desk.outcomes()) == ["applied", "refused not-json"]


LATE = key_id_of(MINE, number=2)


async def test_a_registry_change_parks_what_makes_our_code_raise_and_decides_the_rest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.declare(the_registry())
    gateways = [Gateway(incarnation=f"{number}") for number in range(1, 5)]
    messages = [g.send(a_draw(n, f"R-{n}"), key_id=LATE) for n, g in enumerate(gateways, 1)]
    await desk.consume(*messages)
    assert await desk.outcomes() == ["awaiting key-unknown"] * 4
    with monkeypatch.context() as broken:
        BREAKS["claiming"](broken)
        await desk.declare(the_registry(a_key(MINE, number=2)))
        assert await desk.outcomes() == ["applied"] * 2 + ["awaiting platform-fault", "applied"]
        assert await entries(desk, gateways[ODD - 1]) == [
            (1, Outcome.AWAITING, "key-unknown"), (1, Outcome.AWAITING, "platform-fault"),
        ]  # fmt: skip
        assert "platform-fault" in await desk.rules()
        assert await desk.rebuild() == []
    await desk.declare(the_registry(a_key(MINE, number=2, until=ARRIVED_AT + timedelta(days=9))))
    assert await desk.outcomes() == ["applied"] * 4, "the next change decides it again, as a rebuild would"
    assert "platform-fault" not in await desk.rules()
    assert await desk.rebuild() == []


async def test_what_cannot_be_taken_back_stays_and_is_paged_until_a_release_can(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.declare(the_registry(a_key(MINE, number=2)))
    gateways = [Gateway(incarnation=f"{number}") for number in range(1, 5)]
    await desk.consume(*(g.send(a_draw(n, f"R-{n}"), key_id=LATE) for n, g in enumerate(gateways, 1)))
    assert await desk.drawn_g() == 10_000
    with monkeypatch.context() as broken:
        _raising(claims, "_stored_claim", lambda given: given[0]["index"] == 0 and given[0]["message"] == odd)(broken)
        odd = await desk.connection.fetchval(
            "SELECT message FROM ledger WHERE convert_from(value, 'UTF8') LIKE '%\"R-3\"%'"
        )
        await desk.declare(the_registry(a_key(MINE, number=2, revoked_from=OPENED_AT)))
        assert await desk.outcomes() == ["awaiting key-not-valid"] * 2 + ["applied", "awaiting key-not-valid"]
        assert await desk.drawn_g() == ODD * 1000
        assert "platform-fault" in await desk.rules()
    assert await desk.rebuild() != []
    await desk.rebuild(keep=True)
    assert await desk.outcomes() == ["awaiting key-not-valid"] * 4
    assert await desk.drawn_g() == 0
    assert "platform-fault" not in await desk.rules()


async def test_a_rebuild_survives_a_fault_in_any_message_as_intake_does(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.declare(the_registry())
    gateways = [Gateway(incarnation=f"{number}") for number in range(1, 8)]
    await desk.consume(*(gateway.send(a_draw(n, f"R-{n}")) for n, gateway in enumerate(gateways, 1)))
    _raising(rebuilding, "decide_numbered", lambda given: any(map(_odd_arrival, zip(given[3].arrivals.values()))))(
        monkeypatch
    )
    await desk.rebuild(keep=True)
    assert await desk.outcomes() == ["awaiting platform-fault" if n == ODD else "applied" for n in range(1, 8)]
    assert await desk.drawn_g() == (28 - ODD) * 1000
    monkeypatch.undo()
    await desk.rebuild(keep=True)
    assert await desk.drawn_g() == 28_000
