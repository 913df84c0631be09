"""What makes our own code raise in custody: it is set aside and paged, everything else goes on, and is tried again."""

from collections.abc import Callable
from datetime import date
from typing import Any

import asyncpg
import pytest
from custody_talk import ACROSS, LOT, MINE, SETTLED, chain, the_chain
from owing_talk import DAY, DEADLINE, declare, due
from regulator_desk import HOLDER, Desk, Json, send

from monazite_consumers.custody.following import Custody
from monazite_consumers.decisions import claims, custody, following, halving, licences, months, shipments
from monazite_consumers.errors import FaultError
from monazite_consumers.health import Health
from monazite_consumers.patience import DECIDED_PER_FAULT, Patience
from monazite_consumers.rules.entries import Licence
from monazite_contracts.builders import (
    a_correction,
    a_declaration,
    a_dispatch,
    a_loss,
    a_nil_declaration,
    a_production,
)

__all__ = ["chain"]

ODD, FAULT = f"{MINE}/R-3", ("platform-fault", "custody", "")
Break = Callable[[pytest.MonkeyPatch], None]


def _raising(module: Any, name: str, odd: Callable[[tuple[Any, ...]], bool]) -> Break:
    """Makes one of our functions raise whenever its arguments are odd."""

    def breaking(monkeypatch: pytest.MonkeyPatch) -> None:
        shipped = getattr(module, name)

        def broken(*arguments: Any) -> Any:
            if odd(arguments):
                raise ZeroDivisionError(name)
            return shipped(*arguments)

        monkeypatch.setattr(module, name, broken)

    return breaking


BREAKS: dict[str, tuple[Break, str]] = {
    "event": (_raising(following, "moves_of", lambda given: given[1].__dict__.get("lot") == ODD), ""),
    "lot": (_raising(custody, "judge_lot", lambda given: given[0] == ODD), ODD),
    "shipment": (_raising(shipments, "judge_shipment", lambda given: given[0] == f"{MINE}/W-3"), f"{MINE}/W-3"),
    "licence": (_raising(licences, "licence_problems", lambda given: given[0].number == "L-3"), "L-3"),
    "month": (_raising(months, "recoveries", lambda _: True), ""),
}
"""Of each noun: what makes our code raise on one of it, and its key where that is known."""

LICENCE: Json = {
    "enterprise": HOLDER, "form": "general", "products": ("dysprosium-oxide",), "destination": "DE",
    "end_user": "X", "net_mass_kg": "1.000", "since": date(2023, 1, 1),
}  # fmt: skip
ON_LOTS = [a_production(record=f"R-{n}") for n in range(1, 6)]
ON_WAYBILLS = [
    a_dispatch(
        record=f"D-{n}", waybill=f"W-{n}", lines=[{"lot": LOT, "product": "dysprosium-oxide", "net_mass_kg": "2.000"}],
        export={"declaration": "1", "destination": "DE", "end_user": "X", "licence": f"L-{n}"},
    )
    for n in range(1, 6)
]  # fmt: skip


@pytest.fixture
async def desk_with_licences(desk: Desk) -> Desk:
    numbered = [("licences", Licence.model_validate(LICENCE | {"number": f"L-{n}"})) for n in range(1, 6)]
    await desk.declare(the_chain(*numbered))
    return desk


async def said(desk: Desk, *events: Json) -> None:
    for event in events:
        await desk.receive(send(event, at=SETTLED))
    await desk.follow()


async def aside(desk: Desk) -> list[tuple[str, str]]:
    rows = await desk.connection.fetch(
        "SELECT noun, key FROM custody_findings WHERE rule = 'platform-fault' ORDER BY noun, key"
    )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("noun", ["event", "lot", "shipment", "licence"])
async def test_one_that_makes_our_code_raise_is_set_aside_and_everything_else_goes_on(
    desk_with_licences: Desk, monkeypatch: pytest.MonkeyPatch, noun: str
) -> None:
    desk, (breaking, key) = desk_with_licences, BREAKS[noun]
    with monkeypatch.context() as broken:
        breaking(broken)
        await said(desk, *ON_LOTS, *ON_WAYBILLS)
        ((which, found),) = await aside(desk)
        assert (which, found) == (noun, key or found)
        assert FAULT in await desk.alerts()
        count = await desk.connection.fetchval("SELECT count(*) FROM lot_states")
        assert count == (4 if noun in {"event", "lot"} else 5)
        assert await desk.connection.fetchval("SELECT count(*) FROM shipments") == (4 if noun == "shipment" else 5)
        assert await desk.misfits() == []
        assert await desk.rebuild() == [], "the same release sets the same aside when it rebuilds"
    await desk.rebuild(keep=True)
    assert await aside(desk) == []
    assert FAULT not in await desk.alerts()
    assert await desk.connection.fetchval("SELECT count(*) FROM lot_states") == 5


@pytest.mark.parametrize("noun", ["event", "lot"])
async def test_what_was_set_aside_is_tried_again_when_it_is_touched(
    chain: Desk, monkeypatch: pytest.MonkeyPatch, noun: str
) -> None:
    with monkeypatch.context() as broken:
        BREAKS[noun][0](broken)
        await said(chain, *ON_LOTS)
        assert [which for which, _ in await aside(chain)] == [noun]
    touching = a_correction(ON_LOTS[2], {"net_mass_kg": "1.000"}) if noun == "event" else a_loss(record="L-1", lot=ODD)
    await said(chain, touching)
    assert await aside(chain) == []
    assert FAULT not in await chain.alerts()
    assert await chain.rebuild() == []


@pytest.mark.parametrize("noun", ["event", "lot"])
async def test_what_was_set_aside_is_tried_again_by_whoever_starts_anew(
    chain: Desk, monkeypatch: pytest.MonkeyPatch, noun: str
) -> None:
    with monkeypatch.context() as broken:
        BREAKS[noun][0](broken)
        await said(chain, *ON_LOTS)
        await chain.follow()
        assert [which for which, _ in await aside(chain)] == [noun]
    await chain.follow()
    assert await aside(chain) != [], "the same process knows no better"
    started = Custody(chain.url, Health())
    while await started.pass_once(chain.connection):
        pass
    assert await aside(chain) == []
    assert await chain.rebuild() == []


async def test_a_month_that_cannot_be_judged_says_nothing_but_that(
    chain: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    BREAKS["month"][0](monkeypatch)
    await said(chain, a_production(), a_dispatch(record="D-1"), a_declaration(record="M-1", month="2023-04"))
    assert await aside(chain) == [("month", f"{MINE} 2023-04"), ("month", f"{MINE} 2023-05")]
    assert await chain.connection.fetchval("SELECT count(*) FROM flows WHERE moves <> 0") == 2
    assert (await chain.evidence("platform-fault"))["count"] == 2


MISSING = ["declaration-due-3", "declaration-due-1", "declaration-missing"]


async def test_what_is_alerted_of_a_month_stands_while_our_own_code_raises_on_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await declare(desk)
    await desk.watch(DEADLINE)
    await desk.follow()
    assert due(await desk.alerts()) == MISSING
    with monkeypatch.context() as broken:
        BREAKS["month"][0](broken)
        await desk.receive(send(a_nil_declaration(), at=DEADLINE + DAY))
        await desk.follow()
        assert ("month", f"{MINE} 2023-05") in await aside(desk)
        assert due(await desk.alerts()) == MISSING, "nothing clears because we failed"
        await desk.watch(SETTLED)
        await desk.follow()
        assert due(await desk.alerts()) == MISSING, "nothing is held against anybody on what was known before"
        assert await desk.rebuild() == []
        await desk.rebuild(keep=True)
        assert due(await desk.alerts()) == MISSING
    await desk.rebuild(keep=True)
    assert due(await desk.alerts()) == []
    assert FAULT not in await desk.alerts()


async def test_what_is_alerted_of_a_lot_stands_while_our_own_code_raises_on_it(
    chain: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_much = a_loss(record="L-1", lot=ODD, net_mass_kg="99999.000")
    await said(chain, *ON_LOTS, too_much)
    await chain.watch(SETTLED + ACROSS)
    await chain.follow()
    before = await chain.rules()
    assert "lot-overdrawn" in before
    with monkeypatch.context() as broken:
        BREAKS["lot"][0](broken)
        await said(chain, a_correction(too_much, {"net_mass_kg": "1.000"}))
        assert await chain.rules() == before | {"platform-fault"}
    await chain.rebuild(keep=True)
    assert "lot-overdrawn" not in await chain.rules()


async def test_who_was_missing_before_our_own_code_raised_on_a_declaration_is_so_still_and_nothing_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await declare(desk)
    with monkeypatch.context() as broken:
        _raising(following, "month_key", lambda _: True)(broken)
        await desk.receive(send(a_nil_declaration(), at=DEADLINE + DAY))
        await desk.follow()
        await desk.watch(SETTLED)
        await desk.follow()
        assert due(await desk.alerts()) == MISSING, "it was not filed in time, but nobody knows that it is not yet"
        assert await desk.rebuild() == []
    await desk.rebuild(keep=True)
    assert due(await desk.alerts()) == []
    assert "declaration-late" in await desk.rules()


async def test_where_even_the_telling_raises_it_is_set_aside_and_told_of_later(
    chain: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        BREAKS["lot"][0](broken)
        _raising(halving, "tell", lambda given: any(k.rule == "platform-fault" for k in given[3].touched))(broken)
        await said(chain, *ON_LOTS)
    assert await aside(chain) == [("lot", ODD)]
    assert FAULT not in await chain.alerts()
    await said(chain, a_loss(record="L-1", lot=ODD))
    assert await aside(chain) == []


async def test_a_database_that_fails_is_no_culprit(chain: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any) -> Any:
        raise asyncpg.ConnectionDoesNotExistError

    with monkeypatch.context() as broken:
        broken.setattr(custody, "judge_lot", lost)
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await said(chain, *ON_LOTS)
    await chain.follow()
    assert await aside(chain) == []
    assert await chain.connection.fetchval("SELECT count(*) FROM lot_states") == 5


async def test_custody_stops_only_when_faults_exceed_a_rate(chain: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain.custody, "_patience", Patience())
    chain.custody._patience._left = 2 * DECIDED_PER_FAULT
    with monkeypatch.context() as broken:
        _raising(custody, "judge_lot", lambda _: True)(broken)
        with pytest.raises(FaultError):
            await said(chain, *ON_LOTS)
        assert await aside(chain) == [], "what stopped it is still to be done"
    chain.custody._patience = Patience()
    await chain.follow()
    assert await chain.connection.fetchval("SELECT count(*) FROM lot_states") == 5


@pytest.mark.parametrize(("module", "name"), [(claims, "event_time"), (following, "month_key")])
async def test_a_declaration_that_our_own_code_raised_on_makes_nobody_missing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    await declare(desk)
    with monkeypatch.context() as broken:
        _raising(module, name, lambda _: True)(broken)
        await desk.receive(send(a_nil_declaration(), at=DEADLINE - 4 * DAY))
        await desk.follow()
        await desk.watch(SETTLED)
        await desk.follow()
        assert not {"declaration-missing", "declaration-escalated"} & set(due(await desk.alerts(None)))
        assert await desk.connection.fetchval("SELECT count(*) FROM unfiled WHERE rule = 'platform-fault'") == 1
        assert await desk.rebuild() == []
    await desk.rebuild(keep=True)
    assert due(await desk.alerts()) == []
    assert await desk.connection.fetchval("SELECT count(*) FROM unfiled") == 0
