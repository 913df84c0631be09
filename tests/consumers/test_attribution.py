"""Nobody speaks for a plant but its own keys: whatever an attacker writes, everybody else stands as without it."""

import pytest
from attacker import EVIL, NOISE, OWN, TRICKS, Trick, genuine, old_keys, the_evil_plant
from regulator_desk import Desk, Gateway, Message, a_draw, a_plant, an_allocation, an_enterprise, the_registry

from monazite_contracts.builders import MINE

OTHER = "other-mine"


def what_plants_say() -> list[Message]:
    """Two honest plants; one of them says half a thing twice and lets an envelope be missed."""
    mine, other = Gateway(MINE), Gateway(OTHER)
    said = [mine.send(a_draw(n, f"R-{n}"), a_draw(n, f"S-{n}")) for n in range(1, 5)]
    said.pop(2)
    said += [other.send(a_draw(900 + n, f"R-{n}", plant=OTHER)) for n in range(1, 4)]
    return said


async def declared(desk: Desk) -> None:
    others = [*an_enterprise("other"), *a_plant(OTHER, "other"), an_allocation(2, holder="other")]
    await desk.declare(the_registry(an_allocation(1), *others, *the_evil_plant(), *old_keys(MINE), *old_keys(OTHER)))


async def without_an_attacker(desk: Desk, said: list[Message]) -> dict[str, list[str]]:
    await declared(desk)
    await desk.receive(*said)
    found = await genuine(desk)
    await desk.reset()
    return found


def tried(trick: Trick, said: list[Message]) -> list[Message]:
    """A trick played on every message, with its neighbour as the other one."""
    return [trick(message, said[(index + 1) % len(said)]) for index, message in enumerate(said)]


@pytest.mark.parametrize("when", ["before", "beside", "after"])
@pytest.mark.parametrize("name", TRICKS)
async def test_nobody_but_the_attacker_stands_otherwise_for_what_is(desk: Desk, name: str, when: str) -> None:
    said = what_plants_say()
    wanted = await without_an_attacker(desk, said)
    noise = tried(TRICKS[name], said)
    await declared(desk)
    batches = {"before": [noise, said], "beside": [said[:3] + noise + said[3:]], "after": [said, noise]}
    for batch in batches[when]:
        await desk.receive(*batch)
    assert await genuine(desk) == wanted
    assert (await desk.reconcile()).reconciled
    assert await desk.rebuild() == []


@pytest.mark.parametrize("name", OWN)
async def test_an_attacker_answers_for_what_its_own_plant_says(desk: Desk, name: str) -> None:
    said = what_plants_say()
    await declared(desk)
    await desk.receive(*said, *tried(OWN[name], said[:1]))
    about = {subject.partition("/")[0] for rule, subject, _ in await desk.alerts() if rule not in NOISE}
    blamed = await desk.connection.fetch("SELECT DISTINCT rule FROM events WHERE plant = $1", EVIL)
    assert about & {EVIL, "evil"} or blamed, "somebody can be asked"
