"""Alerts are published when condition, severity or whole percentage change, and to the province of a plant."""

import json
from datetime import UTC, date, datetime
from typing import Any

from regulator_desk import (
    HOLDER,
    Desk,
    Json,
    a_draw,
    a_plant,
    an_allocation,
    an_enterprise,
    send,
    the_registry,
)

from monazite_consumers.registry.applying import apply, plan
from monazite_contracts.alerts import Alert
from monazite_contracts.builders import MINE, a_void


async def published(desk: Desk, rule: str, topic: str = "regulator-alerts") -> list[Json]:
    return [m for t, m in await desk.told("regulator-alerts") if t == topic and m["rule"] == rule]


async def test_only_a_whole_percentage_makes_another_revision(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    for number, mass in enumerate(("850.000", "5.000", "5.000")):
        await desk.receive(send(a_draw(mass, f"R-{number}")))
    told = await published(desk, "cap-80")
    assert [(alert["revision"], alert["percent"]) for alert in told] == [(1, 85), (2, 86)]
    assert (await desk.evidence("cap-80"))["drawn_g"] == 860_000
    await desk.receive(send(a_draw("1.000", "R-9")))
    assert (await desk.evidence("cap-80"))["drawn_g"] == 861_000, "evidence is kept up quietly"
    assert len(await published(desk, "cap-80")) == 2


async def test_recovery_is_a_revision_of_the_same_alert(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    await desk.receive(send(a_draw(850)))
    await desk.declare(the_registry(an_allocation(10)))
    told = await published(desk, "cap-80")
    assert [(alert["revision"], alert["condition"], alert["percent"]) for alert in told] == [
        (1, "raised", 85),
        (2, "retracted", 8),
    ]
    assert len({alert["id"] for alert in told}) == 1


async def test_a_province_reads_about_its_own_plants_and_never_of_caps(desk: Desk) -> None:
    other = [*an_enterprise("other"), *a_plant("other-mine", "other", "jiangxi")]
    await desk.declare(the_registry(an_allocation(1), *other))
    odd = {"claimed_reo_kg": "1.000"}
    await desk.receive(send(a_draw(1_200, **odd)), send(a_draw(3, plant="other-mine", **odd)))
    by_topic: dict[str, set[tuple[str, str]]] = {}
    for topic, message in await desk.told("regulator-alerts"):
        by_topic.setdefault(topic, set()).add((message["rule"], message["subject"]["code"]))
    assert by_topic["regulator-alerts-inner-mongolia"] == {("claimed-reo", MINE)}
    assert by_topic["regulator-alerts-jiangxi"] == {("claimed-reo", "other-mine")}
    assert ("cap-overrun", f"{HOLDER}/mining_rock") in by_topic["regulator-alerts"]
    assert by_topic["regulator-alerts"] > by_topic["regulator-alerts-jiangxi"]


async def test_a_plant_that_moves_takes_its_alerts_to_its_new_province(desk: Desk) -> None:
    await desk.declare(the_registry())
    await desk.receive(send(a_draw(3, claimed_reo_kg="1.000")))
    await desk.declare([*an_enterprise(), *a_plant(province="hunan")])
    (moved,) = await published(desk, "claimed-reo", "regulator-alerts-hunan")
    assert (moved["revision"], moved["subject"]["province"], moved["condition"]) == (2, "hunan", "raised")


async def test_a_message_holds_the_whole_state_and_says_that_it_is_simulated(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    await desk.receive(send(a_draw(850)))
    ((_, message),) = [told for told in await desk.told("regulator-alerts") if told[1]["rule"] == "cap-80"]
    alert = Alert.model_validate_json(json.dumps(message))
    assert (alert.epoch, alert.revision, alert.handling, alert.simulated) == (1, 1, "new", True)
    assert alert.subject.model_dump() == {"kind": "cap", "code": f"{HOLDER}/mining_rock", "province": None}
    assert alert.evidence == {"drawn_g": 850_000, "granted_g": 1_000_000}
    assert alert.basis
    assert alert.summary


async def test_what_people_did_is_told_with_every_revision(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    await desk.receive(send(a_draw(850)))
    await handle(desk, "cap-80", "acknowledged")
    await desk.receive(send(a_draw(50, "R-2")))
    assert [alert["handling"] for alert in await published(desk, "cap-80")] == ["new", "acknowledged"]


async def handle(desk: Desk, rule: str, handling: str) -> None:
    ((alert_id,),) = [(a["alert"],) for key, a in (await desk.alerts(None)).items() if key[0] == rule]
    await desk.connection.execute(
        "INSERT INTO handlings (alert, handling, handled_by, handled_at) VALUES ($1, $2, 'Li', now())"
        " ON CONFLICT (alert) DO UPDATE SET handling = excluded.handling",
        alert_id,
        handling,
    )


async def test_handling_revision_and_identity_survive_a_rebuild(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    stated = a_draw(1_200)
    await desk.receive(send(stated), send(a_void(stated)))
    await handle(desk, "cap-cleared-by-correction", "resolved")
    before, told = await desk.alerts(None), len(await desk.told())
    assert await desk.rebuild(keep=True) == []
    assert await desk.alerts(None) == before
    assert {alert["handling"] for alert in before.values()} >= {"resolved"}
    assert len(await desk.told()) == told, "a rebuild publishes differences only, and there are none"


async def test_a_rebuild_publishes_what_had_gone_wrong(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    await desk.receive(send(a_draw(850)))
    await desk.connection.execute("UPDATE cap_days SET drawn_g = 1; UPDATE caps SET drawn_g = 1")
    await desk.connection.execute("UPDATE alerts SET condition = 'recovered', percent = 0")
    assert {difference.projection for difference in await desk.rebuild()} == {"cap_days", "caps", "alerts"}
    await desk.rebuild(keep=True)
    assert await desk.drawn_g() == 850_000
    assert [(a["revision"], a["condition"]) for a in await published(desk, "cap-80")] == [(1, "raised"), (2, "raised")]
    assert await desk.rebuild() == []


async def test_applying_the_same_registry_twice_tells_nothing(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    await desk.receive(send(a_draw(850)))
    told = len(await desk.told())

    async def fail(*_: Any) -> None:
        raise AssertionError

    planned = await plan(desk.connection, the_registry(an_allocation(1)))
    await apply(desk.connection, planned, "a test", datetime.now(UTC), fail)
    await desk.watch(datetime(2023, 5, 20, tzinfo=UTC))
    assert len(await desk.told()) == told


async def test_a_year_has_its_own_alert(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1), an_allocation(1, date(2022, 1, 1))))
    await desk.receive(send(a_draw(850), a_draw(850, "R-2", date(2022, 12, 31))))
    assert {period for rule, _, period in await desk.alerts() if rule == "cap-80"} == {"2022", "2023"}
