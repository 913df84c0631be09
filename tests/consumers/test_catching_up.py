"""Custody reads what intake decided in portions, and later: what it has not read yet is held against nobody."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, cast

import pytest
from custody_talk import LOT, SEPARATION, SETTLED, of_custody, the_chain
from owing_talk import DAY, DEADLINE, DUE, declare, due
from regulator_desk import ARRIVED_AT, MINE, Desk, Gateway, Json, a_desk, a_draw, a_message, a_plant, send, the_registry

from monazite.embedded import servers
from monazite_consumers import database, sql
from monazite_consumers.decisions import following, portions
from monazite_consumers.decisions.custody import judge_lots
from monazite_consumers.decisions.following import next_pieces
from monazite_consumers.sql import statement
from monazite_contracts.builders import (
    a_correction,
    a_dispatch,
    a_nil_declaration,
    a_production,
    a_receipt_of_goods,
    a_source,
    a_void,
)

FILED_AT = DEADLINE - 3 * DAY


async def filed(desk: Desk) -> tuple[Gateway, Json]:
    """The mine filed in time, and everybody knows; then the deadline passed."""
    await declare(desk)
    gateway, declaration = Gateway(stream="declarations", at=FILED_AT), a_nil_declaration()
    await desk.receive(gateway.send(declaration))
    await desk.watch(DEADLINE + DAY)
    await desk.follow()
    assert due(await desk.alerts(None)) == []
    return gateway, declaration


def corrected(version: Json, record: str = "C-1") -> Json:
    """The same once more: a correction of a declaration, or of a correction."""
    replacement = version["data"].get("replacement", {name: version[name] for name in ("type", "data")})
    correction = a_correction(version, {}, record=record)
    correction["data"]["replacement"] = replacement
    return correction


async def told_of_the_deadline(desk: Desk) -> list[Json]:
    return [message for _, message in await desk.told("regulator-alerts") if "declaration-" in str(message)]


async def test_a_record_that_is_corrected_after_its_deadline_counts_until_the_correction_is_read(desk: Desk) -> None:
    gateway, declaration = await filed(desk)
    # Decided between two passes of watch: custody comes before it.
    await desk.receive(gateway.send(corrected(declaration), at=DEADLINE + DAY))
    await desk.judge()
    assert due(await desk.alerts(None)) == []
    await desk.follow()
    assert due(await desk.alerts(None)) == []
    assert await told_of_the_deadline(desk) == []
    assert await desk.rebuild() == []


async def test_a_correction_of_a_correction_that_is_not_read_yet_takes_nothing_away_either(desk: Desk) -> None:
    gateway, declaration = await filed(desk)
    first = corrected(declaration)
    await desk.receive(gateway.send(first, at=DEADLINE + DAY))
    await desk.watch(DEADLINE + DAY)  # the first one may be read now
    await desk.receive(gateway.send(corrected(first, "C-2"), at=DEADLINE + DAY))
    await desk.judge()
    assert due(await desk.alerts(None)) == []
    await desk.follow()
    assert due(await desk.alerts(None)) == []
    assert await desk.rebuild() == []


async def test_what_is_new_and_amended_already_is_said_until_the_amendment_may_be_read(desk: Desk) -> None:
    await declare(desk)
    gateway, declaration = Gateway(stream="declarations", at=FILED_AT), a_nil_declaration()
    await desk.receive(gateway.send(declaration))
    await desk.watch(FILED_AT)
    await desk.receive(gateway.send(corrected(declaration)))
    await desk.judge()
    assert await desk.connection.fetchval("SELECT count(*) FROM stated") == 1
    await desk.watch(DEADLINE + DAY)
    await desk.follow()
    assert due(await desk.alerts(None)) == []
    assert await desk.rebuild() == []


@pytest.mark.parametrize("are_rivals", [False, True])
async def test_a_steady_trickle_of_amendments_does_not_hold_up_what_is_known(desk: Desk, *, are_rivals: bool) -> None:
    gateway, declaration = await filed(desk)
    for number in range(4):
        instant = DEADLINE + DAY + timedelta(minutes=number)
        await desk.watch(instant)
        await desk.judge()
        correction = corrected(declaration, f"C-{number}")
        await desk.receive(gateway.send(correction, at=instant))
        declaration = declaration if are_rivals else correction
    known_until: datetime = await desk.connection.fetchval("SELECT known_until FROM platform")
    assert known_until >= DEADLINE + DAY + timedelta(minutes=1)


async def test_a_portion_ends_with_so_many_events_and_never_within_a_message(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await declare(desk)
    gateway = Gateway()
    for number in range(3):
        await desk.receive(gateway.send(a_draw(1, f"A-{number}"), a_draw(1, f"B-{number}")))
    await desk.watch(SETTLED)
    monkeypatch.setattr(desk.custody, "events_max", 3)
    reached = []
    while await desk.custody.pass_once(desk.connection):
        reached.append(await desk.connection.fetchval("SELECT count(DISTINCT message) FROM moves"))
    assert reached[:2] == [2, 3]


async def test_nobody_is_accused_of_what_lies_in_the_next_portion(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.declare(the_chain())
    for event in (a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2")):
        await desk.receive(send(event))
    await desk.watch(SETTLED)
    monkeypatch.setattr(desk.custody, "events_max", 1)
    told = [await desk.alerts(None)]
    while await desk.custody.pass_once(desk.connection):
        told.append(await desk.alerts(None))
    assert len(told) > 3
    assert [of_custody(each) for each in told] == [set()] * len(told)
    await desk.follow()
    assert of_custody(await desk.alerts(None)) == set()


async def test_a_statement_that_was_amended_long_after_is_said_until_the_amendment_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.declare(the_chain())
    made = a_production()
    for event in (made, a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"), a_draw(1, "R-2"), a_draw(1, "R-3")):
        await desk.receive(send(event))
    await desk.receive(send(a_correction(made, {"net_mass_kg": "20500.000"}), at=SETTLED))
    await desk.watch(SETTLED)
    monkeypatch.setattr(desk.custody, "events_max", 1)
    masses = []
    while await desk.custody.pass_once(desk.connection):
        await desk.watching.pass_once(desk.connection)
        masses.append(await desk.connection.fetchval("SELECT net_g FROM moves WHERE lot = $1 AND kind = 'made'", LOT))
        assert await desk.misfits() == []
        assert of_custody(await desk.alerts(None)) == set()
    assert masses[0] == 20_000_000
    assert masses[-1] == 20_500_000
    assert await desk.rebuild() == []


async def made_of(desk: Desk) -> list[int]:
    rows = await desk.connection.fetch("SELECT net_g FROM moves WHERE lot = $1 AND kind = 'made'", LOT)
    return [row["net_g"] for row in rows]


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("before", range(6))
async def test_of_a_statement_and_its_amendments_the_version_is_said_that_custody_has_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, before: int, *, at_once: bool
) -> None:
    """As without a backlog. `before`: so many messages are followed before the others come, in one batch or more."""
    await desk.declare(the_chain())
    made = a_production()
    first = a_correction(made, {"net_mass_kg": "20100.000"})
    rival = a_correction(made, {"net_mass_kg": "20200.000"}, record="C-2")
    second = corrected(first, record="C-3")
    second["data"]["replacement"] = {"type": made["type"], "data": made["data"] | {"net_mass_kg": "20300.000"}}
    gateway, said = Gateway(), (made, a_draw(1, "R-2"), first, rival, second, a_void(second))
    for event in said[:before]:
        await desk.receive(gateway.send(event))
    await desk.follow()
    others = [gateway.send(event) for event in said[before:]]
    for batch in [others] if at_once else [[each] for each in others]:
        await desk.receive(*batch)
    await desk.watch(SETTLED)
    monkeypatch.setattr(desk.custody, "events_max", 1)
    versions = [await made_of(desk)]
    while await desk.custody.pass_once(desk.connection):
        versions.append(await made_of(desk))
    as_read = [[], [20_000_000], [20_000_000], [20_100_000], [20_100_000], [20_300_000], []]
    assert [said for said, _ in groupby(versions)] == [said for said, _ in groupby(as_read[before:])]
    assert await desk.rebuild() == []


async def test_messages_that_say_nothing_are_passed_over_without_a_rest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.declare(the_chain())
    await desk.follow()
    await desk.receive(*(a_message(f"noise {number}".encode(), a_source()) for number in range(3)))
    await desk.receive(send(a_production()))
    await desk.watching.pass_once(desk.connection)
    monkeypatch.setattr(following, "MESSAGES", 1)
    await desk.judge()
    assert await desk.connection.fetchval("SELECT count(*) FROM moves") == 1
    assert await desk.rebuild() == []


class Meanwhile:
    """A connection on which something else is committed just before a statement is run."""

    def __init__(self, connection: database.Connection, before: str, happens: Callable[[], Awaitable[object]]) -> None:
        self._connection, self._before, self._happens = connection, before, happens

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    async def fetch(self, text: str, *arguments: object) -> object:
        if text == self._before:
            await self._happens()
        return await self._connection.fetch(text, *arguments)


async def test_an_amendment_that_is_decided_while_custody_reads_takes_nothing_away(desk: Desk) -> None:
    await declare(desk)
    gateway, declaration = Gateway(stream="declarations", at=FILED_AT), a_nil_declaration()
    await desk.receive(gateway.send(declaration))
    await desk.watch(FILED_AT)

    async def amend() -> None:
        await desk.receive(gateway.send(corrected(declaration)))

    beside = Meanwhile(desk.connection, statement("following", "next"), amend)
    async with desk.connection.transaction():  # intake has another connection: its decision is seen from here on
        pieces, _ = await next_pieces(cast(database.Connection, beside))
    assert [piece.row is not None for piece in pieces] == [True]


async def test_what_settles_while_its_lot_is_in_doubt_waits_for_the_judgement(desk: Desk) -> None:
    await desk.declare(the_chain())
    await desk.receive(send(a_dispatch(record="D-1")))
    await desk.watch(ARRIVED_AT)
    await desk.follow()
    assert of_custody(await desk.alerts()) == set()
    await desk.connection.execute("INSERT INTO doubts VALUES ('lot', $1)", LOT)
    await desk.watch(SETTLED)
    assert ("lot-unreported", MINE) not in of_custody(await desk.alerts(None))
    await desk.follow()
    assert ("lot-unreported", MINE) in of_custody(await desk.alerts())
    assert await desk.rebuild() == []


# --- a database of the release before


OLD = "0013_told_topics.sql"
SILENT = "silent-mine"


@pytest.fixture
async def empty_url(postgres: servers.Servers) -> AsyncIterator[str]:
    """A database without any table."""
    url, above = postgres.addresses.postgres, await database.connect(postgres.addresses.postgres)
    await above.execute("CREATE DATABASE earlier")
    yield f"{url.rpartition('/')[0]}/earlier"
    await above.execute("DROP DATABASE earlier WITH (FORCE)")
    await above.close()


async def _as_before(desk: Desk, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database with the tables of an earlier release, and what they held of all that the desk received."""
    with monkeypatch.context() as patched:
        patched.setattr(database, "migrations", lambda: [each for each in sql.migrations() if each[0] <= OLD])
        await database.migrate(url)
    old = await database.connect(url)
    try:
        columns: dict[str, list[str]] = defaultdict(list)
        for row in await old.fetch(
            "SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables"
            " USING (table_schema, table_name) WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
            " AND table_name <> 'migrations' AND is_generated = 'NEVER'"
        ):
            columns[row["table_name"]].append(row["column_name"])
        async with old.transaction():
            await old.execute("SET LOCAL session_replication_role = replica")
            for table, names in columns.items():
                listed = ", ".join(f'"{name}"' for name in names)
                rows = await desk.connection.fetch(f"SELECT {listed} FROM {table}")  # noqa: S608 - names of a catalogue
                await old.execute(f"DELETE FROM {table}")  # noqa: S608 - names of a catalogue
                await old.copy_records_to_table(table, records=[tuple(row) for row in rows], columns=names)
        for row in await desk.connection.fetch(
            "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
        ):
            await old.fetch("SELECT setval(to_regclass($1), $2)", row["sequencename"], row["last_value"])
    finally:
        await old.close()


async def test_a_database_of_an_earlier_release_is_followed_without_a_false_word(
    desk: Desk, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await declare(desk, *a_plant(SILENT))
    for event in (a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2")):
        await desk.receive(send(event))
    await desk.receive(send(a_nil_declaration(plant=SEPARATION), at=FILED_AT))
    await desk.watch(SETTLED)
    await _as_before(desk, empty_url, monkeypatch)
    await database.migrate(empty_url)
    async with a_desk(empty_url, opened_at=SETTLED) as upgraded:
        upgraded.positions = dict(desk.positions)
        await upgraded.connection.execute("UPDATE platform SET known_at = known_at - interval '1 day'")
        upgraded.custody.events_max = 1
        await upgraded.watching.pass_once(upgraded.connection)
        while await upgraded.custody.pass_once(upgraded.connection):
            assert of_custody(await upgraded.alerts(None)) == set()
        await upgraded.follow()
        alerts = await upgraded.alerts()
        assert due(alerts) == DUE
        assert ("declaration-missing", SILENT, "2023-05") in alerts
        assert await upgraded.connection.fetch("SELECT * FROM outages") == []
        assert await upgraded.rebuild() == []


async def test_a_rebuild_takes_much_that_is_in_doubt_at_once_and_judges_it_in_portions(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.declare(the_registry())
    await desk.receive(*(send(a_production(record=f"R-{n}")) for n in range(7)))
    await desk.follow()
    judged: list[int] = []

    async def judging(connection: Any, registry: Any, lots: Sequence[str], changes: Any) -> None:
        judged.append(len(lots))
        await judge_lots(connection, registry, lots, changes)

    monkeypatch.setattr(portions, "judge_lots", judging)
    monkeypatch.setattr(portions, "LOTS", 2)
    monkeypatch.setattr(portions, "ROUNDS", 3)
    assert await desk.rebuild() == []
    assert judged == [2, 2, 2, 1]
