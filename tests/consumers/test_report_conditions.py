"""What a report says still holds, and holds no longer; whose a plant's month is when it changed hands."""

from datetime import date, timedelta

from closing_talk import DAY, DEADLINE, MAY, closed, report, service, the_month, told
from custody_talk import SEPARATION, the_chain
from regulator_desk import MINE, Declared, Desk, an_allocation, an_enterprise, desk, open_desk

from monazite_consumers.reports.reproducing import reproduced
from monazite_consumers.reports.storing import canonical_bytes
from monazite_consumers.rules.entries import Duty, Operation
from monazite_contracts.builders import a_declaration

__all__ = ["desk", "open_desk"]


def run(chain: list[Declared], plant: str, **since: date) -> list[Declared]:
    """The same, but so many enterprises run a plant one after another, each from a day on."""
    days = [*since.values(), None]
    turns = [
        ("operations", Operation(plant=plant, enterprise=enterprise, since=day, until=until))
        for (enterprise, day), until in zip(since.items(), days[1:], strict=True)
    ]
    return [(n, e) for n, e in chain if not (isinstance(e, Operation) and e.plant == plant)] + turns


JUNE, JUNE_CLOSES = "2023-06", DEADLINE + 30 * DAY


async def test_what_is_open_since_an_earlier_month_is_listed_and_not_called_cleared(desk: Desk) -> None:
    await closed(desk)
    missing = ("declaration-missing", SEPARATION, MAY)
    assert missing in {(line.rule, line.subject, line.period) for line in (await report(desk)).conditions}
    await told(desk, (), JUNE_CLOSES)
    assert await service(desk).pass_once(desk.connection)
    june = await report(desk, month=JUNE)
    assert missing in {(line.rule, line.subject, line.period) for line in june.conditions}
    raised = await desk.connection.fetch("SELECT alert FROM alerts WHERE condition = 'raised'")
    assert not {line.alert for line in june.cleared} & {row["alert"] for row in raised}
    assert await reproduced(desk.connection, june) == canonical_bytes(june)


async def test_what_is_raised_no_longer_is_told_as_cleared_once(desk: Desk) -> None:
    await closed(desk)
    await told(desk, [a_declaration(plant=SEPARATION, record="F-2")], JUNE_CLOSES)
    assert await service(desk).pass_once(desk.connection)
    june = await report(desk, month=JUNE)
    missing = ("declaration-missing", SEPARATION, MAY)
    assert missing in {(line.rule, line.subject, line.period) for line in june.cleared}
    assert missing not in {(line.rule, line.subject, line.period) for line in june.conditions}
    mine = await report(desk, "plant", SEPARATION, JUNE)
    assert missing in {(line.rule, line.subject, line.period) for line in mine.cleared}
    parts = [await report(desk, "enterprise", code, JUNE) for code in ("baogang", "ganzhou", "shihe")]
    assert sorted(x.alert for each in parts for x in each.cleared) == sorted(x.alert for x in june.cleared)
    assert await reproduced(desk.connection, june) == canonical_bytes(june)
    await told(desk, (), JUNE_CLOSES + DAY)
    assert await service(desk).pass_once(desk.connection)
    assert (await report(desk)).revision == 2
    assert missing in {(line.rule, line.subject, line.period) for line in (await report(desk)).cleared}


async def test_what_a_plant_takes_along_to_another_enterprise_is_not_cleared_for_the_first(desk: Desk) -> None:
    await closed(desk)
    missing = {("declaration-missing", SEPARATION, MAY)}
    assert missing <= {(x.rule, x.subject, x.period) for x in (await report(desk, "enterprise", "baogang")).conditions}
    duties = [("duties", Duty(enterprise=code, since=date(2023, 5, 1), basis="R2")) for code in ("shihe", "baogang")]
    chain = the_chain(*duties, an_allocation(40_000))
    await desk.declare(run(chain, SEPARATION, baogang=date(2020, 1, 1), shihe=date(2023, 6, 1)))
    await told(desk, (), JUNE_CLOSES)
    while await service(desk).pass_once(desk.connection):
        pass
    first = await report(desk, "enterprise", "baogang", JUNE)
    assert not missing & {(line.rule, line.subject, line.period) for line in first.cleared}
    after = await report(desk, "enterprise", "shihe", JUNE)
    assert missing <= {(line.rule, line.subject, line.period) for line in after.conditions}


async def test_whoever_ran_a_plant_last_while_it_had_to_report_is_the_debtor_and_all_have_a_report(desk: Desk) -> None:
    """The last to run it has no duty: it is not the one that owes."""
    duties = [("duties", Duty(enterprise=code, since=date(2023, 5, 1), basis="R2")) for code in ("shihe", "first")]
    chain = the_chain(*an_enterprise("first"), *an_enterprise("last"), *duties)
    await desk.declare(run(chain, MINE, first=date(2020, 1, 1), shihe=date(2023, 5, 3), last=date(2023, 5, 20)))
    await told(desk, the_month(), DEADLINE - timedelta(hours=1))
    await told(desk, ())
    assert await service(desk).pass_once(desk.connection)
    nation = await report(desk)
    (owed,) = [line for line in nation.declarations if line.plant == MINE]
    assert owed.enterprise == "shihe"
    assert [plant.enterprise for plant in nation.plants if plant.code == MINE] == ["last"]
    for code in ("first", "shihe", "last"):
        assert (await report(desk, "enterprise", code)).scope.code == code
