"""The order property: the end state is a function of the set of messages, the registry and the instant judged."""

from hypothesis import HealthCheck, given, note, settings
from plant_talk import ENDS_AT, OPENS_AT, Example, Step, examples, registry
from regulator_desk import Desk, state

EXAMPLES = settings().max_examples // 4
"""25 by default; `--hypothesis-profile=long` for a run by hand."""

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
    return await state(desk.connection)


async def as_it_happens(desk: Desk, example: Example) -> dict[str, list[str]]:
    """In the order of the steps, judged at last at the same instant."""
    await desk.reset(OPENS_AT)
    for step in example.steps:
        await take(desk, step)
    await desk.watch(ENDS_AT)
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
    assert (await desk.reconcile()).reconciled


async def explained(desk: Desk) -> str:
    """What came of each message, for whoever reads a failing example."""
    return "\n".join(await desk.outcomes())
