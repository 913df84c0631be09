"""Applying a registry on a real PostgreSQL: once, whole, audited, alone."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import asyncpg
import pytest

from monazite_consumers.database import REGISTRY_LOCK, Connection
from monazite_consumers.register import digest, load, revision
from monazite_consumers.registry.applying import Applied, apply, plan
from monazite_consumers.registry.history import history
from monazite_consumers.registry.plans import Change
from monazite_consumers.registry.problems import RegistryRefused
from monazite_consumers.rules.entries import Enterprise, GatewayKey, Membership, Plant, Settings
from monazite_consumers.rules.facts import Entry
from monazite_consumers.rules.registry import Registry
from monazite_contracts.builders import a_signing_key
from monazite_contracts.seal import encode_base64url

AT = datetime(2023, 3, 24, 1, 2, 3, tzinfo=UTC)

Entries = list[tuple[str, Entry]]


def declared() -> Entries:
    return [
        ("enterprises", Enterprise(code="acme", name="Acme")),
        ("enterprises", Enterprise(code="group", name="Group", name_zh="集团")),
        ("memberships", Membership(member="acme", group="group", since=date(2023, 1, 1))),
        ("settings", Settings(settle_minutes=30)),
    ]


async def nothing_else(connection: Connection, before: Registry, after: Registry, changes: Sequence[Change]) -> None:
    """Re-decides nothing: there are no decisions in these tests."""


async def applied(connection: Connection, entries: Entries, by: str = "ada", on_change: Any = nothing_else) -> Applied:
    return await apply(connection, await plan(connection, entries), by, AT, on_change)


async def test_an_empty_database_holds_the_registry_of_revision_0(connection: Connection) -> None:
    registry = await load(connection)
    assert (registry.revision, registry.entries, registry.settings) == (0, {}, Settings())
    assert await revision(connection) == 0


async def test_what_is_applied_is_what_is_loaded(connection: Connection) -> None:
    done = await applied(connection, declared())
    assert await load(connection) == Registry.of(1, declared())
    assert await revision(connection) == 1
    assert done.digest == digest(declared())
    assert await connection.fetchval("SELECT digest FROM registry_revisions") == done.digest


async def test_planning_writes_nothing(connection: Connection) -> None:
    planned = await plan(connection, declared())
    assert [change.kind for change in planned.changes] == ["added"] * 4
    assert await revision(connection) == 0


async def test_applying_twice_makes_one_revision(connection: Connection) -> None:
    await applied(connection, declared())
    again = await applied(connection, list(reversed(declared())))
    assert (again.revision, again.changes) == (1, ())
    assert len(await history(connection)) == 4


async def test_a_difference_names_what_came_went_and_changed(connection: Connection) -> None:
    await applied(connection, declared())
    wanted: Entries = [
        ("enterprises", Enterprise(code="acme", name="Acme Rare Earth")),
        ("enterprises", Enterprise(code="other", name="Other")),
        ("settings", Settings(settle_minutes=30)),
    ]
    planned = await plan(connection, wanted)
    assert [(c.noun, c.key, c.kind) for c in planned.changes] == [
        ("enterprises", "acme", "changed"),
        ("enterprises", "group", "removed"),
        ("enterprises", "other", "added"),
        ("memberships", "acme 2023-01-01", "removed"),
    ]
    assert planned.changes[0].fields() == {"name": ("Acme", "Acme Rare Earth")}


async def test_every_change_is_kept_with_who_when_before_and_after(connection: Connection) -> None:
    await applied(connection, declared())
    await applied(connection, declared()[:-1], by="grace")
    newest, *older = await history(connection)
    assert (newest.revision, newest.applied_by, newest.applied_at) == (2, "grace", AT)
    assert (newest.change.noun, newest.change.kind, newest.change.after) == ("settings", "removed", None)
    assert newest.change.before is not None
    assert newest.change.before["settle_minutes"] == 30
    assert {(each.revision, each.applied_by, each.change.kind) for each in older} == {(1, "ada", "added")}
    assert len(older) == 4


async def test_a_registry_that_does_not_fit_together_is_not_even_planned(connection: Connection) -> None:
    with pytest.raises(RegistryRefused, match="unknown-reference"):
        await plan(connection, declared()[1:])


async def test_redeciding_sees_both_registries_in_the_applying_transaction(connection: Connection) -> None:
    seen: list[Any] = []

    async def on_change(inside: Connection, before: Registry, after: Registry, changes: Sequence[Change]) -> None:
        assert inside.is_in_transaction()
        assert await load(inside) == after
        seen.append((before.revision, after.revision, len(changes)))

    await applied(connection, declared(), on_change=on_change)
    await applied(connection, declared(), on_change=on_change)
    assert seen == [(0, 1, 4)]


async def test_an_error_while_redeciding_undoes_everything(connection: Connection) -> None:
    await applied(connection, declared())

    async def fail(inside: Connection, before: Registry, after: Registry, changes: Sequence[Change]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await applied(connection, declared()[:2], on_change=fail)
    assert await load(connection) == Registry.of(1, declared())
    assert len(await history(connection)) == 4
    assert await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


async def waiting(watcher: Connection, count: int) -> None:
    """Until so many sessions wait for an advisory lock of this database."""
    query = """
        SELECT count(*) FROM pg_locks
        WHERE locktype = 'advisory' AND NOT granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
    async with asyncio.timeout(10):
        while await watcher.fetchval(query) < count:  # noqa: ASYNC110 - the event lies in PostgreSQL
            await asyncio.sleep(0.01)


async def test_applying_waits_for_a_decision_under_way(connection: Connection, another: Connection) -> None:
    async with asyncio.TaskGroup() as tasks:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", REGISTRY_LOCK)
            applying = tasks.create_task(applied(another, declared()))
            await waiting(connection, 1)
            assert not applying.done()
            assert await revision(connection) == 0
        await applying
    assert await revision(connection) == 1


async def test_concurrent_applies_come_one_after_the_other(
    dsn: str, connection: Connection, another: Connection, third: Connection
) -> None:
    mine, theirs = declared(), [*declared()[:3], ("enterprises", Enterprise(code="extra", name="Extra"))]
    first, second = await plan(connection, mine), await plan(another, theirs)
    async with third.transaction():
        await third.execute("SELECT pg_advisory_xact_lock_shared($1)", REGISTRY_LOCK)
        one = asyncio.create_task(apply(connection, first, "ada", AT, nothing_else))
        await waiting(third, 1)
        two = asyncio.create_task(apply(another, second, "grace", AT, nothing_else))
        await waiting(third, 2)
    assert [(await one).revision, (await two).revision] == [1, 2]
    # Planned against the empty registry, the second difference was taken again under the lock.
    assert {(c.noun, c.key, c.kind) for c in (await two).changes} == {
        ("settings", "settings", "removed"),
        ("enterprises", "extra", "added"),
    }
    assert await load(third) == Registry.of(2, theirs)


async def test_a_decision_made_while_an_apply_waited_is_seen_by_it(connection: Connection, another: Connection) -> None:
    await connection.execute("CREATE TABLE decided (what text)")
    seen: list[Any] = []

    async def look(inside: Connection, before: Registry, after: Registry, changes: Sequence[Change]) -> None:
        seen.append(await inside.fetchval("SELECT what FROM decided"))

    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", REGISTRY_LOCK)
        applying = asyncio.create_task(applied(another, declared(), on_change=look))
        await waiting(connection, 1)
        await connection.execute("INSERT INTO decided VALUES ('late')")
    await applying
    assert seen == ["late"]


async def test_an_unchanged_entry_cannot_be_recorded_as_a_change(connection: Connection) -> None:
    await applied(connection, declared())
    with pytest.raises(asyncpg.CheckViolationError, match="registry_change_changes"):
        await connection.execute("INSERT INTO registry_changes VALUES (1, 'plants', 'p', '{}', '{}')")


def test_the_digest_does_not_depend_on_order() -> None:
    entries = declared()
    assert {digest(shuffled) for shuffled in permutations(entries)} == {digest(entries)}
    assert digest(entries[1:]) != digest(entries)


def test_the_digest_is_the_same_in_every_process() -> None:
    program = (
        "from monazite_consumers.register import digest\n"
        "from monazite_consumers.rules.entries import Enterprise, Settings\n"
        "print(digest([('enterprises', Enterprise(code='acme', name='Acme', name_zh='稀土')),"
        " ('settings', Settings(settle_minutes=30))]).hex())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    # Pinned: a release that changes it would make every restored database look unknown.
    assert found == {"c66fc2a4ef6cb4056feb4146aea1ae5e87d3b0515ba355810e020da83319ab95"}


def a_key(seed: str) -> Entries:
    public = encode_base64url(bytes(a_signing_key(seed).verify_key))
    key = GatewayKey(id="k1", plant="acme-mine", gateway="gw-1", public=public, since=AT)
    return [("plants", Plant(code="acme-mine", name="Mine", province="sichuan")), ("gateway_keys", key)]


async def test_a_key_id_names_one_key_for_ever(connection: Connection) -> None:
    await applied(connection, declared() + a_key("one"))
    with pytest.raises(RegistryRefused, match=r"key-changed: the id has named another public key.*Give the new key"):
        await applied(connection, declared() + a_key("two"))
    assert await revision(connection) == 1


async def test_a_key_id_that_was_taken_out_still_names_its_key(connection: Connection) -> None:
    await applied(connection, declared() + a_key("one"))
    await applied(connection, declared())
    with pytest.raises(RegistryRefused, match="key-changed: the id has named another public key"):
        await applied(connection, declared() + a_key("two"))
    await applied(connection, declared() + a_key("one"))
