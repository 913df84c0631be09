"""Applies a plan in one transaction that excludes decisions, and keeps who changed what and when."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monazite_consumers.database import DECIDING_SESSION, REGISTRY_LOCK, Connection
from monazite_consumers.errors import RegistryError
from monazite_consumers.register import digest, load
from monazite_consumers.registry.checks import require
from monazite_consumers.registry.plans import Change, Plan, difference, removals
from monazite_consumers.registry.problems import Declared, RegistryRefused, about
from monazite_consumers.rules.entries import GatewayKey
from monazite_consumers.rules.facts import Entry
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement

APPLYING_SESSION: Final = DECIDING_SESSION | {
    "idle_in_transaction_session_timeout": "60s",
    # Long enough to wait for running batches and to re-decide what a large change touches.
    "lock_timeout": "120s",
    "statement_timeout": "300s",
}
"""Of a session that applies a registry."""

OnChange = Callable[[Connection, Registry, Registry, Sequence[Change]], Awaitable[None]]
"""Re-decides, in the applying transaction, what the changes touch: (connection, before, after, changes)."""


class RemovalsRefusedError(RegistryError):
    """The changes would take out what nobody has said may go."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did: no changes, no new revision."""

    revision: int
    digest: bytes
    changes: tuple[Change, ...]


async def plan(connection: Connection, entries: Iterable[tuple[str, Entry]]) -> Plan:
    """The difference between the registry in force and the entries wanted; writes nothing.

    Raises:
        RegistryRefused: the entries do not fit together.
    """
    wanted = tuple(entries)
    require(Declared(noun, entry) for noun, entry in wanted)
    before = await load(connection)
    await _require_lasting_keys(connection, wanted)
    return Plan(before.revision, wanted, difference(before, wanted))


async def _require_lasting_keys(connection: Connection, wanted: Iterable[tuple[str, Entry]]) -> None:
    """A key id names one key for ever, taken out or not: what was refused under it is refused for good."""
    keys = {entry.key: (noun, entry) for noun, entry in wanted if isinstance(entry, GatewayKey)}
    rows = await connection.fetch(statement("registry", "public_keys"), list(keys))
    renamed = {row["key"] for row in rows if row["public"] != keys[row["key"]][1].public}
    changed = [
        about(Declared(*keys[key]), "key-changed", "the id has named another public key", "public")
        for key in sorted(renamed)
    ]
    if changed:
        raise RegistryRefused(changed)


async def apply(connection: Connection, planned: Plan, by: str, at: datetime, on_change: OnChange) -> Applied:
    """Makes the planned entries the registry in force; the difference is taken again under the lock.

    Whatever `on_change` raises undoes everything.

    Raises:
        RemovalsRefusedError: it would remove guarded entries (`plans.removals`), which the plan does not allow.
    """
    async with connection.transaction():
        # First of all, so that each later statement's snapshot begins after the last decision made before this.
        await connection.execute(statement("registry", "exclude_decisions"), REGISTRY_LOCK)
        before = await load(connection)
        await _require_lasting_keys(connection, planned.wanted)
        changes = difference(before, planned.wanted)
        content = digest(planned.wanted)
        if not changes:
            return Applied(before.revision, content, ())
        if not planned.allow_removals and (removed := removals(changes)):
            raise RemovalsRefusedError(f"nothing was applied: it would remove {removed}")
        await _write(connection, changes)
        await connection.execute(statement("registry", "record_revision"), before.revision + 1, at, by, content)
        await _record(connection, before.revision + 1, changes)
        after = await load(connection)
        await on_change(connection, before, after, changes)
    return Applied(after.revision, content, changes)


async def _write(connection: Connection, changes: Sequence[Change]) -> None:
    gone = [change for change in changes if change.after is None]
    put = [change for change in changes if change.after is not None]
    await connection.execute(statement("registry", "drop"), [c.noun for c in gone], [c.key for c in gone])
    await connection.execute(
        statement("registry", "put"), [c.noun for c in put], [c.key for c in put], [c.after for c in put]
    )


async def _record(connection: Connection, revision: int, changes: Sequence[Change]) -> None:
    await connection.execute(
        statement("registry", "record_changes"),
        revision,
        [change.noun for change in changes],
        [change.key for change in changes],
        [change.before for change in changes],
        [change.after for change in changes],
    )
