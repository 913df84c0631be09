"""Judges export licences anew: what was exported on them, and whether it was too much."""

from collections.abc import Sequence
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.noticing import Noticed, state
from monazite_consumers.rules.licences import Drawn, licence_problems
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
    for row in await connection.fetch(statement("shipments", "of_licences"), numbers):
        licence = registry.licences.get(row["licence"])
        if licence is None:
            continue  # each export on it says so itself
        drawn = Drawn(row["shipments"], row["net_g"], row["at"], row["arrived_at"])
        noticed += [
            Noticed(
                licence.number, rule, licence.enterprise, f"{day_of(drawn.at).year}", drawn.arrived_at, measure, detail
            )
            for rule, measure, detail in licence_problems(licence, drawn)
        ]
    return noticed
