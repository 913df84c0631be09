"""What a statement brings about, and how histories of statements are posted and taken back."""

from datetime import datetime
from typing import NamedTuple

from monazite_consumers.decisions.changes import Changes, Place
from monazite_consumers.rules.draws import Draw, difference, draws_of, written
from monazite_consumers.rules.entries import Settings
from monazite_consumers.rules.lots import LotMade, lots_of
from monazite_consumers.rules.production import Finding, findings_of
from monazite_consumers.rules.statements import WITHDRAWN, Claim, History, Step
from monazite_consumers.rules.weighing import weigh
from monazite_contracts import statements as st
from monazite_contracts.events import Event
from monazite_contracts.months import day_of, month_of


class Effects(NamedTuple):
    """Draws, lots and findings of one statement."""

    draws: tuple[Draw, ...] = ()
    lots: tuple[LotMade, ...] = ()
    findings: tuple[Finding, ...] = ()


NOTHING = Effects()


def effects_of(event: Event, arrived_at: datetime, settings: Settings) -> Effects:
    """Of an event by itself; of a correction, what it puts in place. Raises whatever our own code raises."""
    data = event.data
    if type(data) is st.Correction:
        return statement_effects(event.source, data.replacement.data, arrived_at, settings)
    if st.is_amendment(data):
        return NOTHING
    return statement_effects(event.source, data, arrived_at, settings)


def statement_effects(plant: str, data: st.Statement, arrived_at: datetime, settings: Settings) -> Effects:
    """Of a statement of a plant that arrived at an instant."""
    weighed = weigh(data)
    return Effects(draws_of(weighed), lots_of(weighed), findings_of(plant, weighed, arrived_at, settings))


def post_new(changes: Changes, place: Place, plant: str, effects: Effects) -> None:
    """A statement without a past and amendments: what it first stated is what is so now."""
    for index, draw in enumerate(effects.draws):
        changes.draw(plant, draw, current=1, original=1, events=0 if index else 1)
    for lot in effects.lots:
        changes.lots_made.append((place, plant, lot))
    for finding in effects.findings:
        changes.find(place, finding)


def post_current(changes: Changes, claim: Claim, effects: Effects) -> None:
    """A statement says what is so now: its draws stand, its lots exist, its findings hold."""
    for index, draw in enumerate(effects.draws):  # a statement with several draws is one event
        changes.draw(claim.plant, draw, current=1, original=0, events=0 if index else 1)
    for lot in effects.lots:
        changes.lots_made.append((claim.place, claim.plant, lot))
    for finding in effects.findings:
        changes.find(claim.place, finding)


def unpost_current(changes: Changes, claim: Claim, effects: Effects) -> None:
    """It says so no longer."""
    for index, draw in enumerate(effects.draws):
        changes.draw(claim.plant, draw, current=-1, original=0, events=0 if index else -1)
    if effects.lots:
        changes.lots_unmade.append(claim.place)


def post_original(changes: Changes, claim: Claim, draws: tuple[Draw, ...], times: int) -> None:
    """What was first stated, whatever was corrected since."""
    for draw in draws:
        changes.draw(claim.plant, draw, current=0, original=times)


def post_history(changes: Changes, history: History, settings: Settings) -> None:
    """A statement with its amendments."""
    root = history.root
    assert root.event is not None  # noqa: S101 - histories are made of claims that were read
    original = effects_of(root.event, root.coordinate.arrived_at, settings)
    post_original(changes, root, original.draws, 1)
    current = history.current
    if current.statement is not None:
        arrived_at = current.by.coordinate.arrived_at
        post_current(changes, current.by, statement_effects(root.plant, current.statement, arrived_at, settings))
    for step in history.steps:
        _post_step(changes, root.plant, step)
    for claim, rule in history.idle:
        if rule != WITHDRAWN:
            changes.find(claim.place, _about_amendment(claim, rule))


def unpost_history(changes: Changes, history: History, settings: Settings) -> None:
    """Takes the same back; findings go by their places."""
    root = history.root
    assert root.event is not None  # noqa: S101 - histories are made of claims that were read
    original = effects_of(root.event, root.coordinate.arrived_at, settings)
    post_original(changes, root, original.draws, -1)
    current = history.current
    if current.statement is not None:
        arrived_at = current.by.coordinate.arrived_at
        unpost_current(changes, current.by, statement_effects(root.plant, current.statement, arrived_at, settings))
    changed = {current.by.place, *(step.by.place for step in history.steps), *(c.place for c, _ in history.idle)}
    for place in changed:
        changes.unfind(place)
    for step in history.steps:
        for draw in _moved(step):
            changes.look_at(root.plant, draw)


def post_orphan(changes: Changes, claim: Claim) -> None:
    """An amendment whose target is not there: an absence, which settles from its arrival."""
    changes.find(claim.place, _about_amendment(claim, "amendment-without-target"))


def _about_amendment(claim: Claim, rule: str) -> Finding:
    arrived_at = claim.coordinate.arrived_at
    return Finding(rule, claim.plant, month_of(arrived_at), arrived_at)


def _drawn(step: Step) -> tuple[tuple[Draw, ...], tuple[Draw, ...]]:
    """The draws before a step and after it."""
    return draws_of(weigh(step.before)), draws_of(weigh(step.after)) if step.after is not None else ()


def _moved(step: Step) -> tuple[Draw, ...]:
    return difference(*_drawn(step))


def _post_step(changes: Changes, plant: str, step: Step) -> None:
    """Every amendment that moves draws is kept as evidence; one that moves them between caps alerts by itself."""
    before, after = _drawn(step)
    arrived_at, moved = step.by.coordinate.arrived_at, _moved(step)
    if moved:
        delta_g = sum(draw.amount_g for draw in moved)
        changes.find(step.by.place, Finding("draw-amended", plant, written(moved), arrived_at, delta_g))
    for draw in moved:
        changes.look_at(plant, draw)
    if after and {(d.day.year, d.kind) for d in before} != {(d.day.year, d.kind) for d in after}:
        moved_g, year = sum(draw.amount_g for draw in before), day_of(arrived_at).year
        changes.find(step.by.place, Finding("amendment-moves-year", plant, f"{year}", arrived_at, moved_g))
