"""The order property: the end state is a function of the set of messages, the registry and the instant judged."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from plant_talk import ENDS_AT, OPENS_AT, Example, Step, examples, registry
from regulator_desk import Desk, state

from monazite_consumers.rules.envelopes import FORKS, OCCUPIES
from monazite_contracts.receipts import Outcome

EXAMPLES = settings().max_examples // 4
"""25 by default, 400 by hand: `--hypothesis-profile=long`."""

ON_ONE_DATABASE = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


async def in_order(desk: Desk, example: Example) -> dict[str, list[str]]:
    """The last registry first, then one message after the other by coordinate, judged once."""
    await desk.reset(OPENS_AT)
    await desk.declare(registry(example.last))
    for message in sorted(example.messages, key=lambda message: message.coordinate):
        await desk.receive(message)
    await desk.watch(ENDS_AT)
    await desk.follow()
    return await state(desk.connection)


async def as_it_happens(desk: Desk, example: Example) -> dict[str, list[str]]:
    """In the order of the steps, judged at last at the same instant."""
    await desk.reset(OPENS_AT)
    for step in example.steps:
        await take(desk, step)
    await desk.watch(ENDS_AT)
    await desk.follow()
    return await state(desk.connection)


async def take(desk: Desk, step: Step) -> None:
    if step.knobs is not None:
        await desk.declare(registry(step.knobs))
    elif step.watch_at is not None:
        await desk.watch(step.watch_at)
    elif step.at_once:
        await desk.receive_at_once(step.batch)
    else:
        await desk.receive(*step.batch)
    if step.follows:
        await desk.follow()


def differences(found: dict[str, list[str]], wanted: dict[str, list[str]]) -> list[str]:
    """Rows that only one side has."""
    return [
        f"{sign} {name} {row}"
        for name in wanted
        for sign, rows in (
            ("+", set(found[name]) - set(wanted[name])),
            ("-", set(wanted[name]) - set(found[name])),
        )
        for row in sorted(rows)
    ]


@given(example=examples())
@ON_ONE_DATABASE
async def test_neither_order_nor_batches_nor_writers_nor_when_the_registry_changes_make_a_difference(
    desk: Desk, example: Example
) -> None:
    wanted = await in_order(desk, example)
    found = await as_it_happens(desk, example)
    note(await explained(desk))
    assert differences(found, wanted) == []
    assert await desk.rebuild() == []
    assert await desk.misfits() == []
    assert (await desk.reconcile()).reconciled


async def explained(desk: Desk) -> str:
    """What came of each message, for whoever reads a failing example."""
    return "\n".join(await desk.outcomes())


# --- the property can fail


def _by_number(candidates: Sequence[Any]) -> Any:
    """As if the first to be decided stood, not the earliest."""
    first, *others = sorted(candidates, key=lambda candidate: candidate.message)
    return {first.message: OCCUPIES} | {other.message: FORKS for other in others}


def _by_place(claims: Sequence[Any]) -> Any:
    first, *others = sorted(claims, key=lambda claim: claim.place)
    return {first.place: Outcome.APPLIED} | {other.place: Outcome.AWAITING for other in others}


async def _nothing(*_: Any, **__: Any) -> Any:
    return {}


async def _no_keys(*_: Any) -> set[Any]:
    return set()


def _posted_once_more(changes: Any, claim: Any, effects: Any) -> None:
    for draw in effects.draws:
        changes.draw(claim.plant, draw, current=1, original=0, events=1)


MUTANTS: dict[str, tuple[str, Any]] = {
    "whoever is decided first stands at a sequence": ("sequences.place", _by_number),
    "whoever is decided first is applied of one id": ("claims.outcomes_of", _by_place),
    "a statement that is taken back is posted once more": ("effects.unpost_current", _posted_once_more),
    "a statement is taken back only when its first version goes": ("effects.unpost_current", lambda *_: None),
    "claims that are stored are forgotten": ("claims._complete", _nothing),
    "a registration decides nothing again": ("redeciding._vouch_again", _nothing),
    "caps are not summed again": ("redeciding.resum", _nothing),
    "alerts are not looked at again": ("redeciding._touched_alerts", _no_keys),
}


@pytest.fixture(scope="module")
def some_examples() -> list[Example]:
    """The same ones every time."""
    found: list[Example] = []

    @settings(max_examples=150, phases=[Phase.generate], database=None, derandomize=True, deadline=None)
    @given(example=examples())
    def collect(example: Example) -> None:
        found.append(example)

    collect()
    return sorted(found, key=lambda e: -len(e.messages) * len({step.knobs for step in e.steps}))


@pytest.mark.parametrize("mutant", MUTANTS)
async def test_the_property_fails_when(
    desk: Desk, some_examples: list[Example], monkeypatch: pytest.MonkeyPatch, mutant: str
) -> None:
    name, mutated = MUTANTS[mutant]
    monkeypatch.setattr(f"monazite_consumers.decisions.{name}", mutated)
    for example in some_examples:
        try:
            wanted, found = await in_order(desk, example), await as_it_happens(desk, example)
        except (asyncpg.PostgresError, LookupError, ExceptionGroup):
            return
        if differences(found, wanted):
            return
    pytest.fail(f"no difference is seen when {mutant}")
