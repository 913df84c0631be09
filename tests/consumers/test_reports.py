"""Months are closed, restated and proven: the same rows for everybody, the same position the same bytes."""

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from closing_talk import DAY, DEADLINE, MAY, closed, everybody, opened, receive, report, service, the_month, told
from custody_talk import RECYCLER, SEPARATION, the_chain
from regulator_desk import MINE, Desk, Message, an_allocation, desk, open_desk, send

from monazite_consumers import database
from monazite_consumers.errors import NotReproducibleError, NotYetError, TamperedError
from monazite_consumers.reports import storing
from monazite_consumers.reports.closing import close, preliminary
from monazite_consumers.reports.reproducing import reproduced
from monazite_consumers.reports.storing import canonical_bytes, newest_of
from monazite_consumers.rules.reports import NATION
from monazite_consumers.sql import statement
from monazite_contracts.builders import (
    a_correction,
    a_declaration,
    a_dispatch,
    a_production,
    a_receipt_of_goods,
    a_scrap_intake,
    a_separation,
    a_void,
)
from monazite_contracts.reports import Scope
from monazite_contracts.topics import REPORTS

__all__ = ["desk", "open_desk"]


async def test_a_month_is_closed_at_its_deadline_and_not_before(desk: Desk) -> None:
    await told(await opened(desk), the_month(), DEADLINE - timedelta(microseconds=1))
    assert not await service(desk).pass_once(desk.connection)
    await desk.watch(DEADLINE)
    await desk.follow()
    assert await service(desk).pass_once(desk.connection)
    nation = await report(desk)
    assert (nation.revision, nation.preliminary, nation.position.judged_at) == (1, False, DEADLINE)
    assert {line.status for line in nation.declarations if line.plant == MINE} == {"reported"}
    assert {line.status for line in nation.declarations if line.plant == SEPARATION} == {"missing"}
    assert not await service(desk).pass_once(desk.connection), "once"


async def test_the_nation_is_the_sum_of_its_parts_at_every_level(desk: Desk) -> None:
    amended = a_correction(a_production(), {"net_mass_kg": "19000.000"}, record="C-1")
    reports = await everybody(await closed(desk, a_dispatch(record="D-9", waybill="W-9"), amended))
    nation = await report(desk)
    plants = [each for each in reports if each.scope.level == "plant"]
    assert len(plants) == len(nation.plants) == 3
    for table in ("output", "flows", "balances", "coverage", "shipments", "declarations", "conditions"):
        of_plants = [line for each in plants for line in getattr(each, table)]
        assert of_plants, table
        of_nation = [line for line in getattr(nation, table) if not getattr(line, "rule", "").startswith("cap-")]
        assert sorted(of_nation, key=repr) == sorted(of_plants, key=repr), table
    figures = [name for name in type(nation.parts[0]).model_fields if name not in {"level", "code", "name"}]
    for level in ("province", "enterprise"):
        parts = [part for part in nation.parts if part.level == level]
        assert parts
        for figure in figures:
            whole = sum(getattr(part, figure) for part in parts)
            other = [part for part in nation.parts if part.level != level]
            assert whole == sum(getattr(part, figure) for part in other), figure
    assert sum(part.mined_reo_g for part in nation.parts) == 2 * sum(
        line.reo_g for line in nation.output if line.activity == "mined"
    )
    of_holders = [each for each in reports if each.scope.level == "enterprise"]
    lines = [line for each in of_holders for line in each.caps]
    assert lines
    assert sorted(nation.caps, key=repr) == sorted(lines, key=repr)
    of_caps = [line for each in of_holders for line in each.conditions if line.rule.startswith("cap-")]
    assert of_caps
    assert sorted(of_caps, key=repr) == sorted((x for x in nation.conditions if x.rule.startswith("cap-")), key=repr)
    assert nation.open_shipments
    assert {x.shipment for x in nation.open_shipments} == {x.shipment for each in plants for x in each.open_shipments}
    assert nation.amendments_total == sum(each.amendments_total for each in plants) == 1
    assert [line for each in plants for line in each.amendments] == list(nation.amendments)
    for each in reports:
        if each.scope.level == "enterprise" and each.plants:
            (part,) = [p for p in nation.parts if (p.level, p.code) == ("enterprise", each.scope.code)]
            assert part.closing_reo_g == sum(line.closing_g for line in each.flows if line.unit == "reo")


async def test_a_report_says_what_the_month_was(desk: Desk) -> None:
    nation = await report(await closed(desk))
    (cap,) = [line for line in nation.caps if (line.holder, line.kind) == ("shihe", "mining_rock")]
    assert (cap.granted_g, cap.drawn_g, cap.drawn_in_month_g) == (40_000_000_000, 11_040_000, 11_040_000)
    assert (cap.rate_g_per_day, cap.headroom_g) == (73_113, 39_988_960_000)
    (mined,) = [line for line in nation.output if line.plant == MINE]
    assert (mined.activity, mined.origin, mined.net_g, mined.reo_g) == ("mined", "domestic", 20_000_000, 11_040_000)
    (stock,) = [line for line in nation.flows if line.plant == MINE and line.unit == "product"]
    assert (stock.opening_g, stock.made_g, stock.shipped_g, stock.closing_g) == (0, 20_000_000, 18_000_000, 2_000_000)
    assert {line.step for line in nation.balances} == {"separated"}
    assert {line.rule for line in nation.conditions} >= {"declaration-missing"}
    assert {(line.plant, line.product): (line.made_g, line.lawful_g) for line in nation.coverage} == {
        (MINE, "bastnaesite-concentrate"): (20_000_000, 20_000_000), (SEPARATION, "ndpr-oxide"): (1_900_000, 1_900_000),
    }  # fmt: skip


async def test_the_same_position_gives_the_same_bytes_after_more_has_come(desk: Desk) -> None:
    await closed(desk, a_correction(a_production(), {"net_mass_kg": "19000.000", "claimed_reo_kg": "10488.000"}))
    found = await everybody(desk)
    await told(
        desk, [a_production(record="R-9", lot=f"{MINE}/R-9"), a_void(a_separation(), record="V-1")], DEADLINE + DAY
    )
    await desk.declare(the_chain(an_allocation(10)))
    await desk.follow()
    for each in found:
        if each.scope.level in {"nation", "province", "enterprise"} or each.scope.code == MINE:
            assert await reproduced(desk.connection, each) == canonical_bytes(each), each.scope
    assert await desk.rebuild() == [], "nothing that was done to prove it stays"


async def test_another_position_gives_other_bytes(desk: Desk) -> None:
    nation = await report(await closed(desk))
    parts = nation.position.partitions
    less = [p.model_copy(update={"next_offset": p.next_offset - 1}) if p.next_offset else p for p in parts]
    changed = nation.model_copy(update={"position": nation.position.model_copy(update={"partitions": tuple(less)})})
    assert await reproduced(desk.connection, changed) != canonical_bytes(changed)


async def test_a_report_of_another_release_is_the_record_and_is_not_computed_again(desk: Desk) -> None:
    nation = await report(await closed(desk))
    older = nation.model_copy(update={"position": nation.position.model_copy(update={"release": "0.0.1"})})
    with pytest.raises(NotReproducibleError, match=r"release 0\.0\.1"):
        await reproduced(desk.connection, older)


def in_their_logs(messages: Iterable[Message]) -> list[Message]:
    """With offsets from 0 in each partition."""
    ends: Counter[object] = Counter()
    found = []
    for message in messages:
        found.append(replace(message, offset=ends[message.tp]))
        ends[message.tp] += 1
    return found


async def test_the_order_of_events_does_not_matter(desk: Desk) -> None:
    events = [
        *the_month(),
        a_correction(a_production(), {"net_mass_kg": "19000.000"}),
        a_void(a_dispatch(record="D-1")),
    ]
    messages = in_their_logs(send(event) for event in events)
    found = []
    for order in (messages, messages[::-1], messages[3:] + messages[:3]):
        await desk.reset()
        await opened(desk)
        for message in order:
            await desk.receive(message)
            await desk.follow()
        await told(desk, ())
        assert await service(desk).pass_once(desk.connection)
        found.append([canonical_bytes(each) for each in await everybody(desk)])
    assert found[0] == found[1] == found[2]


async def test_a_late_event_makes_a_revision_that_spells_out_the_difference(desk: Desk) -> None:
    await closed(desk)
    first = await newest_of(desk.connection, NATION, MAY)
    assert first is not None
    late = a_production(record="R-9", lot=f"{MINE}/R-9")
    first_of_its_kind = a_scrap_intake(record="W-1", plant=RECYCLER)
    await told(desk, [late, first_of_its_kind], DEADLINE + DAY)
    assert await service(desk).pass_once(desk.connection)
    nation = await report(desk)
    assert nation.revision == 2
    assert nation.compared_with == first.before
    stated = {(d.topic, d.of, d.figure): (d.before, d.after) for d in nation.differences}
    product = "bastnaesite-concentrate"
    assert stated["output", f"{MINE} / mined / {product} / domestic", "net_g"] == (20_000_000, 40_000_000)
    assert stated["flows", f"{MINE} / {product} / product", "closing_g"] == (2_000_000, 22_000_000)
    assert stated["caps", "shihe / mining_rock", "drawn_g"] == (11_040_000, 22_080_000)
    assert all(None not in ends or any(ends) for ends in stated.values()), "a line that is new has no rows of zeros"
    assert (await report(desk, "plant", MINE)).revision == 2
    assert (await report(desk, "plant", SEPARATION)).revision == 1, "nothing of it has changed"
    assert await reproduced(desk.connection, nation) == canonical_bytes(nation)


async def test_an_amendment_of_a_closed_month_is_told_in_the_next_revision(desk: Desk) -> None:
    await closed(desk)
    await told(desk, [a_correction(a_production(), {"net_mass_kg": "19000.000"}, record="C-1")], DEADLINE + DAY)
    assert await service(desk).pass_once(desk.connection)
    nation = await report(desk)
    assert [(line.plant, line.kind, line.event) for line in nation.amendments] == [
        (MINE, "correction", a_production()["id"])
    ]
    assert "amendment-after-report" in {line.rule for line in nation.conditions}
    assert await reproduced(desk.connection, nation) == canonical_bytes(nation)


async def test_revisions_come_once_a_day_of_the_clock(desk: Desk) -> None:
    await closed(desk)
    await told(desk, [a_production(record="R-8", lot=f"{MINE}/R-8")], DEADLINE + DAY / 2)
    assert not await service(desk).pass_once(desk.connection), "the first stands for a day"
    await told(desk, [a_production(record="R-9", lot=f"{MINE}/R-9")], DEADLINE + DAY)
    assert await service(desk).pass_once(desk.connection)
    assert (await report(desk)).revision == 2
    assert not await service(desk).pass_once(desk.connection)


async def test_no_report_names_a_buyer_abroad(desk: Desk) -> None:
    abroad = {"kind": "named", "name": "Invented Magnet GmbH", "country": "DE"}
    await closed(desk, a_receipt_of_goods(record="D-9", waybill="W-9", consignor=abroad))
    nation = await report(desk)
    (line,) = nation.open_shipments
    assert (line.shipment, line.consignor) == ("@DE (name withheld)→W-9", "@DE (name withheld)")
    assert b"GmbH" not in canonical_bytes(nation)


async def test_what_merely_ages_makes_no_revision(desk: Desk) -> None:
    await closed(desk, a_dispatch(record="D-9", waybill="W-9"))
    before = await report(desk)
    assert (before.open_shipments_total, before.overdue_shipments_total) == (1, 1)
    await told(desk, (), DEADLINE + 20 * DAY)
    assert not await service(desk).pass_once(desk.connection)
    assert (await report(desk)).revision == 1


async def test_a_late_declaration_makes_a_revision(desk: Desk) -> None:
    await closed(desk)
    await receive(desk, send(a_declaration(plant=SEPARATION, record="F-2"), at=DEADLINE + DAY / 2))
    await told(desk, (), DEADLINE + DAY)
    assert await service(desk).pass_once(desk.connection)
    after = await report(desk)
    assert after.revision == 2
    stated = {(d.of, d.figure): (d.before, d.after) for d in after.differences if d.topic == "declarations"}
    assert stated[SEPARATION, "status"] == ("missing", "late")


async def test_a_revision_says_what_is_declared_and_what_the_events_say_where_they_differ(desk: Desk) -> None:
    await closed(desk)
    wrong = a_declaration(plant=SEPARATION, record="F-2")
    await receive(desk, send(wrong, at=DEADLINE + DAY / 2))
    await told(desk, (), DEADLINE + DAY)
    assert await service(desk).pass_once(desk.connection)
    after = await report(desk)
    (line,) = [line for line in after.declarations if line.plant == SEPARATION]
    assert len(line.differing) == line.differences > 0
    declared = {(each.product, each.column): (each.declared_g, each.computed_g) for each in line.differing}
    assert declared["bastnaesite-concentrate", "made"] == (20_000_000, 0)
    stated = {(d.of, d.figure): (d.before, d.after) for d in after.differences if d.topic == "declarations"}
    assert stated[SEPARATION, "bastnaesite-concentrate made declared_g"] == (None, 20_000_000)
    assert stated[SEPARATION, "bastnaesite-concentrate made computed_g"] == (None, 0)
    assert await reproduced(desk.connection, after) == canonical_bytes(after)


async def test_a_month_that_was_closed_before_its_deadline_says_who_is_missing_after_it(desk: Desk) -> None:
    await told(await opened(desk), (), datetime(2023, 6, 2, tzinfo=UTC))
    assert await close(desk.connection, MAY) > 0
    await told(desk, (), DEADLINE + DAY)
    assert await desk.connection.fetchval("SELECT count(*) FROM restated_months WHERE month = '2023-05-01'") > 0
    await told(desk, (), DEADLINE + 2 * DAY)
    await service(desk).pass_once(desk.connection)
    assert {line.status for line in (await report(desk)).declarations} == {"missing"}


async def test_every_revision_is_announced_once(desk: Desk) -> None:
    await closed(desk)
    announced = [ready for topic, ready in await desk.told(REPORTS) if topic == REPORTS]
    assert len(announced) == len(await everybody(desk))
    (nation,) = [ready for ready in announced if ready["level"] == "nation"]
    stored = await newest_of(desk.connection, NATION, MAY)
    assert stored is not None
    assert (nation["month"], nation["revision"], nation["hash"]) == (MAY, 1, stored.hash)
    keys = {row["key"] for row in await desk.connection.fetch("SELECT key FROM outbox WHERE topic = $1", REPORTS)}
    assert b"nation/nation/2023-05" in keys


async def test_whoever_stops_in_the_middle_leaves_nothing_half_closed(desk: Desk, monkeypatch: Any) -> None:
    await told(await opened(desk), the_month())
    with monkeypatch.context() as patched:
        patched.setattr(storing, "put", _killed)
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await close(desk.connection, MAY)
    assert await desk.connection.fetchval("SELECT count(*) FROM reports") == 0
    assert await desk.told(REPORTS) == []
    assert await service(desk).pass_once(desk.connection)
    assert len(await desk.told(REPORTS)) == len(await everybody(desk))


async def _killed(connection: database.Connection, *_: object) -> None:
    assert await connection.fetchval("SELECT count(*) FROM reports") > 0, "all of them are written by now"
    raise asyncpg.ConnectionDoesNotExistError


async def test_a_month_is_not_closed_while_it_is_not_known_what_arrived_by_the_deadline(desk: Desk) -> None:
    await told(await opened(desk), the_month())
    await desk.connection.execute("UPDATE platform SET known_until = $1", DEADLINE - timedelta(seconds=1))
    assert not await service(desk).pass_once(desk.connection)
    await desk.connection.execute("UPDATE platform SET known_until = $1", DEADLINE)
    await desk.connection.execute("UPDATE platform SET known_at = clock_timestamp() - interval '1 hour'")
    assert not await service(desk).pass_once(desk.connection), "nothing new has been known for an hour: it is behind"
    assert await desk.connection.fetchval("SELECT count(*) FROM reports") == 0


async def test_an_outage_moves_the_closing_and_is_part_of_the_position(desk: Desk) -> None:
    await told(await opened(desk), the_month())
    since, until = DEADLINE - timedelta(hours=5), DEADLINE - timedelta(hours=3)
    await desk.connection.fetch(statement("outages", "add"), since, until, "down")
    assert not await service(desk).pass_once(desk.connection), "two hours are given back"
    await told(desk, (), DEADLINE + timedelta(hours=2))
    assert await service(desk).pass_once(desk.connection)
    nation = await report(desk)
    assert nation.position.outage_revision == 1
    assert {line.deadline for line in nation.declarations} == {DEADLINE + timedelta(hours=2)}
    await desk.connection.fetch(statement("outages", "add"), since - DAY, until - DAY, "behind")
    assert await reproduced(desk.connection, nation) == canonical_bytes(nation), "what was recorded later plays no part"


async def test_a_month_that_has_not_ended_or_is_closed_is_not_closed_by_command(desk: Desk) -> None:
    await told(await opened(desk), the_month(), datetime(2023, 5, 31, 15, 59, tzinfo=UTC))
    with pytest.raises(NotYetError, match="has not ended"):
        await close(desk.connection, MAY)
    await told(desk, (), datetime(2023, 6, 1, tzinfo=UTC))
    assert await close(desk.connection, MAY) > 0
    assert {line.status for line in (await report(desk)).declarations} == {"reported", "not due"}
    with pytest.raises(NotYetError, match="closed already"):
        await close(desk.connection, MAY)


async def test_a_preliminary_report_says_so_and_is_stored_nowhere(desk: Desk) -> None:
    await told(await opened(desk), the_month(), datetime(2023, 5, 20, tzinfo=UTC))
    found = await preliminary(desk.connection, NATION, MAY)
    assert (found.preliminary, found.revision) == (True, 1)
    assert await desk.connection.fetchval("SELECT count(*) FROM reports") == 0
    assert await reproduced(desk.connection, found) == canonical_bytes(found)
    with pytest.raises(NotYetError, match="nothing is known of plant nowhere"):
        await preliminary(desk.connection, Scope(level="plant", code="nowhere", name="nowhere"), MAY)


async def test_months_are_closed_one_after_another_also_those_without_events(desk: Desk) -> None:
    await told(await opened(desk), the_month(), datetime(2023, 9, 11, tzinfo=UTC))
    while await service(desk).pass_once(desk.connection):
        pass
    rows = await desk.connection.fetch("SELECT month FROM reports WHERE level = 'nation' ORDER BY month")
    assert [f"{row['month']:%Y-%m}" for row in rows] == ["2023-05", "2023-06", "2023-07", "2023-08"]
    july = await report(desk, month="2023-07")
    assert july.output == ()
    assert {line.opening_g == line.closing_g for line in july.flows} == {True}
    assert july.compared_with is not None
    assert july.compared_with.month == "2023-06"
    assert await reproduced(desk.connection, july) == canonical_bytes(july)


async def test_a_stored_report_that_was_changed_is_neither_written_nor_fits(desk: Desk) -> None:
    await closed(desk)
    assert await desk.misfits() == []
    assert (await desk.verify()).reports == len(await everybody(desk))
    changed = zlib.compress(canonical_bytes(await report(desk)).replace(b"11040000", b"10040000"))
    await desk.connection.execute("UPDATE reports SET document = $1 WHERE level = 'nation'", changed)
    with pytest.raises(TamperedError, match="2023-05 for nation nation, revision 1, is not what was stored"):
        await report(desk)
    assert (await desk.verify()).by_column["reports.document"] == 1
    await desk.connection.execute("UPDATE reports SET document = 'rubbish' WHERE level = 'plant'")
    with pytest.raises(TamperedError):
        await report(desk, "plant", MINE)
    assert (await desk.verify()).by_column["reports.document"] == 4
    await desk.connection.execute("UPDATE reports SET revision = 2 WHERE level = 'province'")
    assert (await desk.verify()).by_column["reports.revision"] == 1
