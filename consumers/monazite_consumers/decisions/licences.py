"""Judges export licences anew: what was exported on them, and whether it was too much."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.noticing import Noticed, state
from monazite_consumers.rules.licences import Drawn, Exported, drawn_by, licence_problems
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.months import day_of

LICENCES: Final = 20
"""That one portion judges: each sums every dispatch on it."""


async def judge_licences(connection: Connection, registry: Registry, numbers: Sequence[str], changes: Changes) -> None:
    """Judges licences and keeps what comes of it, in the caller's transaction."""
    await state(connection, "licence", numbers, await examine_licences(connection, registry, numbers), changes)


async def examine_licences(connection: Connection, registry: Registry, numbers: Sequence[str]) -> Sequence[Noticed]:
    """What is noticed about licences; writes nothing."""
    noticed: list[Noticed] = []
    for number, drawn in (await read_drawn(connection, registry, numbers)).items():
        licence = registry.licences[number]
        noticed += [
            Noticed(number, rule, licence.enterprise, f"{day_of(drawn.at).year}", drawn.arrived_at, measure, detail)
            for rule, measure, detail in licence_problems(licence, drawn)
        ]
    return noticed


async def read_drawn(connection: Connection, registry: Registry, numbers: Sequence[str]) -> dict[str, Drawn]:
    """What has been drawn from licences; one that is not on the register, each export on it tells of itself."""
    exported: dict[str, list[Exported]] = defaultdict(list)
    for row in await connection.fetch(statement("shipments", "of_licences"), numbers):
        exported[row["licence"]].append(Exported(*(row[name] for name in Exported._fields)))
    found = {
        number: drawn_by(registry.licences[number], exported[number], registry)
        for number in sorted(exported.keys() & registry.licences.keys())
    }
    return {number: drawn for number, drawn in found.items() if drawn is not None}
