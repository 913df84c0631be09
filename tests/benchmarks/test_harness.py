"""The measuring instrument itself: it runs every contender, and throws away a run that is not exact."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks import arena, months, ours, report, tracing, world
from benchmarks.arena import Arena
from benchmarks.commits import Commit, rate
from benchmarks.contenders import BATCHED, CONTENDERS, OURS_1, OURS_50, Peer
from benchmarks.latency import with_wrong_claims
from benchmarks.sizes import QUICK, RECORD
from benchmarks.tables import Table, spread, verdict
from benchmarks.world import World
from monazite.embedded import servers
from monazite_consumers import database

EVENTS = 200
PEERS = [contender for contender in CONTENDERS if isinstance(contender, Peer)]

# No service runs in this process: the harness drives an event loop of its own.


@pytest.fixture(scope="module")
def made() -> World:
    return world.simulated(4_000).first(EVENTS)


@pytest.fixture(scope="module")
def published(made: World) -> Iterator[Arena]:
    with arena.opened(made) as opened:
        assert opened.publish(made.bare()) == EVENTS
        yield opened


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.module)
def test_each_peer_books_every_gram_once(peer: Peer, published: Arena, made: World) -> None:
    measured = peer.run(published, made, EVENTS)
    assert measured.events == measured.messages == EVENTS
    assert measured.peak_bytes[peer.name] > 10_000_000


def test_a_peer_that_loses_an_event_is_not_measured(published: Arena, made: World) -> None:
    loses = replace(BATCHED, name="loser")
    more = replace(made, said=[*made.said, *made.renamed("X").said[:1]])
    with pytest.raises(AssertionError):
        loses.run(published, more, EVENTS)


def test_ours_books_every_gram_once_and_a_run_that_misses_one_is_not_measured(made: World) -> None:
    with arena.opened(made) as opened:
        messages = opened.publish(made.sealed(50))
        measured = OURS_50.run(opened, made, messages)
        assert (measured.events, measured.messages) == (EVENTS, messages)
        assert set(measured.peak_bytes) == set(ours.SERVICES)
        assert sum(commit.events for commit in ours.commits(opened)) == EVENTS
        opened.execute("UPDATE caps SET drawn_g = drawn_g + 1 WHERE drawn_g = (SELECT max(drawn_g) FROM caps)")
        with pytest.raises(AssertionError):
            ours.require_exact(opened, made, messages)


def test_the_world_is_the_same_each_time_and_overruns_caps() -> None:
    one, two = world.simulated(3_000), world.simulated(3_000)
    assert list(one.bare()) == list(two.bare())
    assert len(list(one.sealed(OURS_1.per))) == len(one.said) == 3_000
    assert one.drawn_g == two.drawn_g
    assert sum(one.drawn_g.values()) > 0


def test_renamed_events_are_no_duplicates_and_draw_the_same(made: World) -> None:
    renamed = made.renamed("Z")
    assert not {said.event["id"] for said in made.said} & {said.event["id"] for said in renamed.said}
    assert renamed.drawn_g == made.drawn_g


def test_wrong_claims_are_each_of_another_month_of_their_plant() -> None:
    said = list(with_wrong_claims(world.simulated(2_000).said))
    wrong = [each for each in said if each.event["recordid"].startswith("wrong-")]
    assert len(world.misstated(wrong)) == len(wrong) > 100
    assert all(month < f"{world.YEAR}" for _, month in world.misstated(wrong))


def test_the_first_tenth_is_not_timed() -> None:
    commits = [Commit(0.0, 5), Commit(100.0, 5), Commit(101.0, 45), Commit(102.0, 45)]
    assert rate(commits) == 45.0
    assert rate(commits[:1]) != rate(commits[:1])  # one commit has no length


def test_traces_are_timed_in_a_ledger_of_lots_that_are_made_of_each_other(postgres: servers.Servers) -> None:
    url = postgres.addresses.postgres
    ledger = tracing.Ledger(lots=900, levels=5, width=30)
    assert ledger.blocks == 5
    told: list[str] = []

    async def measured() -> list[Table]:
        connection = await database.connect(url)
        await connection.execute("CREATE DATABASE traces")
        try:
            return await tracing.measured(f"{url.rpartition('/')[0]}/traces", ledger, 5, told.append)
        finally:
            await connection.execute("DROP DATABASE traces WITH (FORCE)")
            await connection.close()

    (table,) = asyncio.run(measured())
    assert [row[0] for row in table.rows] == ["up", "up, as shown", "down", "down, as shown"]
    assert "900 lots" in table.notes[0]
    assert len(told) == len(tracing.FILL) + 1


def test_a_month_is_closed_in_a_process_of_its_own(postgres: servers.Servers) -> None:
    above = postgres.addresses.postgres
    told: list[str] = []

    async def said(text: str) -> None:
        connection = await database.connect(above)
        await connection.execute(text)
        await connection.close()

    asyncio.run(said("CREATE DATABASE months"))
    try:
        (table,) = months.measured(f"{above.rpartition('/')[0]}/months", 20_000, told.append)
    finally:
        asyncio.run(said("DROP DATABASE months WITH (FORCE)"))
    figures = {row[0]: row[1] for row in table.rows}
    stored = months.PLANTS + months.ENTERPRISES + months.PROVINCES + 1
    assert figures["reports stored"] == f"{stored}"
    assert len(told) == 1


def test_verdicts_and_spreads_read_as_they_should() -> None:
    assert verdict(1.2, 1.2) == "met"
    assert verdict(1.19, 1.2) == "MISSED"
    assert verdict(200, 100, at_most=True) == "MISSED"
    assert spread([3, 1, 2]) == "2 (1 to 3)"


def test_only_full_sizes_are_for_the_record() -> None:
    assert RECORD.for_the_record
    assert replace(RECORD, rounds=5).for_the_record
    assert not QUICK.for_the_record
    assert not replace(RECORD, events=1_000).for_the_record


def test_the_page_holds_what_was_measured_and_nothing_by_hand() -> None:
    assert report.PAGE.read_text() == report.page(report.measured())
    table = Table("T", ("a", "b"), [("1", "2")], ("So.",))
    kept = {"rates": {"tables": [vars(table)], "command": "c", "seconds": 3, "machine": {"date": "d", "kernel": "k"}}}
    page = report.page(kept)
    assert table.markdown() in page
    assert "`c`, 3 s. d; kernel k." in page
