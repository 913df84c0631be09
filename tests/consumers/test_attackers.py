"""The attribution property: with an attacker at work, in any interleaving, everybody else stands as without one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest
from attacker import TRICKS, genuine, old_keys, the_evil_plant
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from plant_talk import ENDS_AT, OPENS_AT, PLANTS, Knobs, registry, statements
from regulator_desk import Desk, Gateway, Message

from monazite_contracts.envelope import value_hash
from monazite_contracts.opening import OpenedEvent
from monazite_contracts.seal import HEARTBEAT_PAYLOAD_TYPE, verifies

ON_ONE_DATABASE = settings(
    max_examples=settings().max_examples // 4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass(frozen=True)
class Example:
    """What plants say, and batches in which an attacker's messages are mixed with it."""

    said: tuple[Message, ...]
    batches: tuple[tuple[Message, ...], ...]


@st.composite
def examples(draw: Any) -> Example:
    """Three honest plants, some of whose envelopes are lost; tricks on what was published; any interleaving."""
    events = [said.event for said in draw(statements())]
    said: list[Message] = []
    for plant in PLANTS:
        gateway, waiting = Gateway(plant), [event for event in events if event["source"] == plant]
        while waiting:
            size = draw(st.integers(1, 3))
            message, waiting = gateway.send(*waiting[:size]), waiting[size:]
            if draw(st.integers(0, 9)):
                said.append(message)
    if not said:
        return Example((), ())
    chosen = st.tuples(st.sampled_from(sorted(TRICKS)), st.sampled_from(said), st.sampled_from(said))
    tricked = [TRICKS[name](*messages) for name, *messages in draw(st.lists(chosen, min_size=1, max_size=20))]
    # Offsets that nobody else has: the broker gives each message its own.
    noise = [replace(message, offset=1_000_000 + n) for n, message in enumerate(tricked)]
    waiting = list(draw(st.permutations([*said, *noise])))
    batches = []
    while waiting:
        cut = draw(st.integers(1, len(waiting)))
        batches.append(tuple(waiting[:cut]))
        waiting = waiting[cut:]
    return Example(tuple(said), tuple(batches))


async def after(desk: Desk, batches: Sequence[Sequence[Message]]) -> dict[str, list[str]]:
    """What holds for everybody but the attacker after these batches."""
    await desk.reset(OPENS_AT)
    old = [entry for plant in PLANTS for entry in old_keys(plant)]
    await desk.declare([*registry(Knobs()), *the_evil_plant(), *old])
    for batch in batches:
        await desk.receive(*batch)
    await desk.watch(ENDS_AT)
    return await genuine(desk)


@given(example=examples())
@ON_ONE_DATABASE
async def test_no_interleaving_with_an_attackers_messages_changes_what_holds_for_anybody_else(
    desk: Desk, example: Example
) -> None:
    wanted = await after(desk, [example.said])
    found = await after(desk, example.batches)
    note("\n".join(await desk.outcomes()))
    assert found == wanted
    assert await desk.rebuild() == []
    assert await desk.misfits() == []
    assert (await desk.reconcile()).reconciled


# --- the property can fail


def _as_either(value: bytes, seal: bytes, key: Any) -> bool:
    return verifies(value, seal, key) or verifies(value, seal, key, HEARTBEAT_PAYLOAD_TYPE)


def _whoever_says(event: Any, form: bytes, _: Any) -> OpenedEvent:
    return OpenedEvent(value_hash(form), event)


MUTANTS: dict[str, tuple[str, Any]] = {
    "any seal will do": ("monazite_consumers.rules.envelopes.verifies", lambda *_: True),
    "any key will do": ("monazite_consumers.rules.envelopes.not_vouched", lambda *_: None),
    "a key vouches for ever": ("monazite_consumers.rules.entries.GatewayKey.vouches_at", lambda *_: True),
    "a heartbeat's seal is as good": ("monazite_consumers.rules.envelopes.verifies", _as_either),
    "an event is whoever's it says": ("monazite_contracts.opening._judged", _whoever_says),
}


@pytest.fixture(scope="module")
def some_examples() -> list[Example]:
    """The same ones every time, the busiest first."""
    found: list[Example] = []

    @settings(max_examples=150, phases=[Phase.generate], database=None, derandomize=True, deadline=None)
    @given(example=examples())
    def collect(example: Example) -> None:
        found.append(example)

    collect()
    return sorted(found, key=lambda example: -sum(map(len, example.batches)))


@pytest.mark.parametrize("mutant", MUTANTS)
async def test_the_property_fails_when(
    desk: Desk, some_examples: list[Example], monkeypatch: pytest.MonkeyPatch, mutant: str
) -> None:
    monkeypatch.setattr(*MUTANTS[mutant])
    for example in some_examples:
        try:
            if await after(desk, [example.said]) != await after(desk, example.batches):
                return
        except (asyncpg.PostgresError, LookupError):
            return
    pytest.fail(f"no difference is seen when {mutant}")
