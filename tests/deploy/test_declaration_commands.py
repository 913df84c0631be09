"""`monazite declarations`, as a person and as a program see it."""

import re
from datetime import date, timedelta

import pytest
from custody_talk import RECYCLER, SEPARATION, judged, the_chain
from owing_talk import DAY, DEADLINE, declare
from regulator_desk import MINE, Desk, an_enterprise, desk, open_desk, send
from typed_commands import monazite, read, shown

from monazite_consumers.rules.entries import Duty, Membership
from monazite_contracts.builders import a_declaration, a_nil_declaration

__all__ = ["desk", "open_desk"]

HOUR = timedelta(hours=1)
WIDTH = 100


async def listed(desk: Desk, *arguments: object) -> str:
    return await shown(desk, "declarations", *arguments, width=WIDTH)


LATE = a_nil_declaration(plant=SEPARATION)
DIFFERS = a_declaration()


@pytest.fixture
async def may(desk: Desk) -> Desk:
    """Of May the mine's record disagrees, the separation plant's is late, and the recycler's was refused."""
    duties = [("duties", Duty(enterprise=who, since=date(2023, 5, 1), basis="R2")) for who in ("baogang", "ganzhou")]
    await declare(desk, *duties)
    await desk.receive(send(DIFFERS, at=DEADLINE - DAY))
    await desk.receive(send(a_nil_declaration(plant=RECYCLER, nil=False), at=DEADLINE - DAY))
    await desk.receive(send(LATE, at=DEADLINE))
    await judged(desk, at=DEADLINE + DAY)
    return desk


async def test_a_person_sees_how_each_record_stands_and_why(may: Desk) -> None:
    said = await listed(may)
    assert "3 flow records owed for 2023-05" in said
    assert re.search(rf"shihe *\n +{MINE} +reported +end of 06-10 +06-10 00:00 +3 differ: +bastnaesite", said)
    assert re.search(rf"{SEPARATION} +late +end of 06-10 +06-11 00:00", said)
    assert re.search(rf"{RECYCLER} +missing +end of 06-10 +1 not filed:", said)
    assert "as known until 2023-06-12 00:00, Beijing time" in said
    assert "The clock is DRIVEN" in said


async def test_a_program_reads_everything(may: Desk) -> None:
    found = await read(may, "declarations", "2023-05")
    assert (found["month"], found["outage_revision"]) == ("2023-05", 0)
    by_plant = {row["plant"]: row for row in found["obligations"]}
    assert [row["enterprise"] for row in found["obligations"]] == ["baogang", "ganzhou", "shihe"]
    mine, late, missing = by_plant[MINE], by_plant[SEPARATION], by_plant[RECYCLER]
    assert (mine["state"], mine["event_id"]) == ("reported", DIFFERS["id"])
    assert mine["differences"][0] == {
        "product": "bastnaesite-concentrate", "column": "made", "declared_g": 20_000_000, "computed_g": 0,
    }  # fmt: skip
    assert (late["state"], late["event_id"], late["filed_at"]) == ("late", LATE["id"], "2023-06-10 16:00:00+00:00")
    assert (missing["state"], missing["event_id"], missing["not_filed_count"]) == ("missing", None, 1)
    assert [each["outcome"] for each in missing["not_filed"]] == ["refused"]


@pytest.mark.parametrize(
    ("narrowed", "plants"),
    [
        (("--plant", MINE), [MINE]),
        (("--enterprise", "baogang"), [SEPARATION]),
        (("--state", "missing"), [RECYCLER]),
        (("--state", "confirmed nil"), []),
        (("2023-04",), []),
        (("2023-06", "--plant", MINE), [MINE]),
    ],
)
async def test_what_is_asked_for_can_be_narrowed(may: Desk, narrowed: tuple[str, ...], plants: list[str]) -> None:
    assert [row["plant"] for row in (await read(may, "declarations", *narrowed))["obligations"]] == plants


async def test_a_deadline_that_an_outage_moved_says_so(may: Desk) -> None:
    await may.connection.execute("INSERT INTO outages VALUES ($1, $2, 'down', 1)", DEADLINE - DAY, DEADLINE + DAY)
    said = await listed(may, "--plant", SEPARATION)
    assert re.search(rf"{SEPARATION} +confirmed nil +end of 06-12", said)
    assert "due end of 06-10, moved by an outage" in " ".join(said.split())
    assert (await read(may, "declarations"))["outage_revision"] == 1


async def test_what_an_outage_moved_is_listed(may: Desk) -> None:
    for number, (since, until) in enumerate([(-DAY, DAY), (DAY, DAY + HOUR), (20 * DAY, 21 * DAY)], 1):
        await may.connection.execute(
            "INSERT INTO outages (since, until, what, number) VALUES ($1, $2, 'down', $3)",
            DEADLINE + since, DEADLINE + until, number,
        )  # fmt: skip
    said = await shown(may, "outages", width=WIDTH)
    assert "3 outages recorded" in said
    assert re.search(r"1 +2023-06-10 00:00 +2023-06-12 00:00 +down +2023-05: end of 06-10 to end of 06-12", said)
    assert re.search(r"3 +2023-07-01 00:00 +2023-07-02 00:00 +down +no deadline", said)
    found = await read(may, "outages")
    assert found["format"] == "monazite/outages/1"
    assert [each["number"] for each in found["outages"]] == [1, 2, 3]
    assert found["outages"][1]["months"] == [{
        "month": "2023-05", "before": "2023-06-12T16:00:00+00:00", "deadline": "2023-06-12T17:00:00+00:00",
    }]  # fmt: skip
    assert found["outages"][2]["months"] == []


async def test_a_platform_that_was_never_down_says_so(may: Desk) -> None:
    assert "0 outages recorded" in await shown(may, "outages", width=WIDTH)


async def test_a_register_that_gives_nobody_a_duty_says_so(desk: Desk) -> None:
    await desk.declare(the_chain())
    said = " ".join((await listed(desk, "2023-05")).split())
    assert "The register gives nobody a duty to report" in said
    assert (await read(desk, "declarations", "2023-05"))["first_duty"] is None


async def test_a_month_before_the_first_duty_says_so(may: Desk) -> None:
    said = " ".join((await listed(may, "2023-04")).split())
    assert "Nobody owes a flow record for 2023-04: the first duty begins on 2023-05-01." in said
    assert "Nobody owes" not in await listed(may, "2023-05", "--state", "confirmed nil")


@pytest.mark.parametrize(("asked", "plants"), [("north", [MINE]), ("shihe", [MINE]), ("baogang", [SEPARATION])])
async def test_of_a_group_it_is_shown_what_its_members_owe(desk: Desk, asked: str, plants: list[str]) -> None:
    duty = ("duties", Duty(enterprise="baogang", since=date(2023, 5, 1), basis="R2"))
    membership = Membership(member="shihe", group="north", since=date(2023, 1, 1), until=date(2023, 6, 1))
    await declare(desk, duty, *an_enterprise("north", "-"), ("memberships", membership))
    found = await read(desk, "declarations", "2023-05", "--enterprise", asked)
    assert found["format"] == "monazite/declarations/1"
    assert [row["plant"] for row in found["obligations"]] == plants
    assert (await read(desk, "declarations", "2023-06", "--enterprise", "north"))["obligations"] == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--plant", "shihe-mina"), "the register has no plant shihe-mina (did you mean shihe-mine?)"),
        (("--enterprise", "baogan"), "the register has no enterprise baogan (did you mean baogang?)"),
    ],
)
async def test_a_name_that_the_register_does_not_have_is_one_line_with_the_nearest(
    may: Desk, wrong: tuple[str, ...], said: str
) -> None:
    ran = await monazite(may, "declarations", *wrong)
    assert ran.returncode == 1
    assert said in " ".join(ran.stderr.split())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [(("2023-5",), "is no month: write 2023-05"), (("--state", "gone"), "use one of not due, reminded")],
)
async def test_what_cannot_be_asked_is_one_line_with_a_remedy(may: Desk, wrong: tuple[str, ...], said: str) -> None:
    ran = await monazite(may, "declarations", *wrong)
    assert ran.returncode == 2
    assert said in re.sub(r"[│\s]+", " ", ran.stderr)
