"""Reads the chain of a lot, up or down, and the papers of the lots on it; one snapshot, each lot once."""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from monazite_consumers.database import Connection
from monazite_consumers.decisions.current import read_current
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.errors import MonaziteError
from monazite_consumers.rules.custody import LotState
from monazite_consumers.rules.moves import MAKING
from monazite_consumers.rules.tracing import Traced, broken_here, came_from, place, share
from monazite_consumers.sql import statement
from monazite_contracts import statements as st

Answer = TypeVar("Answer")

ENVELOPES: Final = 100
"""Whose bytes are in hand at a time; one may have a megabyte."""

_WITH_PAPERS: Final = frozenset({"imported", "taken_in"})
"""Makers whose statement names a paper of the outside world."""


class UnknownLotError(MonaziteError):
    """No statement that holds speaks of this lot."""


class Limits(NamedTuple):
    """How far a trace goes: levels, and lots in all. What is beyond is said to be not followed."""

    levels: int = 100
    lots: int = 100_000


LIMITS: Final = Limits()


@dataclass(frozen=True)
class Trace:
    """The chain of one lot, in grams and units of `WHOLE`. `passes`: along the trace, which lot leads to which.

    `came`: downwards, how much of each lot came from the traced one. `unfollowed`: lots that lead on to what is beyond
    the limits.
    """

    lot: str
    down: bool
    lots: tuple[Traced, ...]
    states: Mapping[str, LotState]
    passes: Mapping[str, Mapping[str, int]]
    came: Mapping[str, int | None]
    unfollowed: frozenset[str]

    def broken(self, traced: Traced) -> str | None:
        """Why the chain is broken at this very lot, if it is."""
        return broken_here(traced, self.states.get(traced.lot))

    @property
    def breaks(self) -> list[tuple[Traced, str]]:
        """Every lot at which the chain is broken, with why."""
        return [(each, why) for each in self.lots if (why := self.broken(each)) is not None]


class Made(NamedTuple):
    """A statement that brought a lot into being. `paper`: what it names: a customs declaration, a supplier of scrap."""

    plant: str
    kind: str
    step: str
    at: datetime
    event_id: str | None
    paper: str | None


class Carried(NamedTuple):
    """A shipment that a lot went with, and how many grams of it."""

    shipment: str
    waybill: str
    consignor: str
    consignee: str
    state: str
    sent_g: int
    accepted_g: int
    at: datetime


@dataclass(frozen=True)
class Papers:
    """What documents a lot."""

    made: Sequence[Made] = ()
    carried: Sequence[Carried] = ()


async def trace(connection: Connection, lot: str, *, down: bool = False, limits: Limits = LIMITS) -> Trace:
    """The chain of a lot: what it came from, or what became of it.

    Raises:
        UnknownLotError: nobody has said anything of it.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        way = _Way(down, limits, {lot})
        await way.walk(connection)
        reading = await _begun(_states(connection, way.lots))
        placed = place(lot, way.passes)
        traced = () if down else share(placed, way.passes)
        gone = {at: sum(ahead.values()) for at, ahead in way.passes.items()}
        states = await reading
        if way.lots == {lot} and not states:
            await _require_known(connection, lot)
        came: Mapping[str, int | None] = {}
        if down:
            adding = await _begun(_inputs(connection, way.lots))
            traced = share(placed, way.passes, _rests(states, gone))
            came = came_from(placed, way.passes, await adding)
    return Trace(lot, down, traced, states, way.passes, came, frozenset(way.unfollowed))


async def _begun(reading: Coroutine[Any, Any, Answer]) -> "asyncio.Task[Answer]":
    """A question that PostgreSQL works on while we work on something else."""
    task = asyncio.create_task(reading)
    await asyncio.sleep(0)
    return task


async def papers(connection: Connection, lots: Collection[str]) -> dict[str, Papers]:
    """What documents each of these lots; of a lot that nobody has made or sent there is none."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        makers = await connection.fetch(statement("tracing", "makers"), list(lots), list(MAKING))
        outside = {(row["message"], row["index"]) for row in makers if row["kind"] in _WITH_PAPERS}
        named = await _named_papers(connection, outside)
        made: dict[str, list[Made]] = {}
        for row in makers:
            paper = named.get((row["message"], row["index"])) if row["kind"] in _WITH_PAPERS else None
            event_id = row["event_id"] and str(row["event_id"])
            made.setdefault(row["lot"], []).append(
                Made(row["plant"], row["kind"], row["step"], row["at"], event_id, paper)
            )
        carried: dict[str, list[Carried]] = {}
        for row in await connection.fetch(statement("tracing", "waybills"), list(lots)):
            carried.setdefault(row["lot"], []).append(Carried(*(row[name] for name in Carried._fields)))
    return {lot: Papers(made.get(lot, ()), carried.get(lot, ())) for lot in {*made, *carried}}


@dataclass
class _Way:
    """What has been found so far, a level at a time."""

    down: bool
    limits: Limits
    lots: set[str]
    passes: dict[str, dict[str, int]] = field(default_factory=dict)
    unfollowed: set[str] = field(default_factory=set)

    async def walk(self, connection: Connection) -> None:
        """Until there is nothing further, or a limit is reached: lots that lead beyond it are ends."""
        asked = await _begun(self._next(connection, list(self.lots)))
        for level in range(self.limits.levels + 1):
            rows = await asked
            fresh = {further for _, further, _ in rows} - self.lots
            if fresh and (level == self.limits.levels or len(self.lots) + len(fresh) > self.limits.lots):
                self.unfollowed = {row[0] for row in rows if row[1] in fresh}
                rows, fresh = [row for row in rows if row[0] not in self.unfollowed], set()
            if fresh:
                self.lots |= fresh
                asked = await _begun(self._next(connection, list(fresh)))
            for at, further, net_g in rows:
                ahead = self.passes.setdefault(at, {})
                ahead[further] = ahead.get(further, 0) + net_g
            if not fresh:
                return

    async def _next(self, connection: Connection, ends: list[str]) -> list[Any]:
        if self.down:
            return list(await connection.fetch(statement("tracing", "down"), ends))
        return list(await connection.fetch(statement("tracing", "up"), ends))


async def _states(connection: Connection, lots: Iterable[str]) -> dict[str, LotState]:
    rows = await connection.fetch(statement("custody", "states"), list(lots))
    return {row[0]: LotState._make(row) for row in rows}


async def _inputs(connection: Connection, lots: Iterable[str]) -> dict[str, int]:
    rows = await connection.fetch(statement("tracing", "inputs"), list(lots))
    return {lot: net_g for lot, net_g in rows}  # noqa: C416 - rows are no pairs


def _rests(states: Mapping[str, LotState], gone: Mapping[str, int]) -> dict[str, int]:
    """Grams of each lot that went into no other: on hand, sent out of the register, lost."""
    return {lot: max(0, state.net_g - gone.get(lot, 0)) for lot, state in states.items()}


async def _require_known(connection: Connection, lot: str) -> None:
    if await connection.fetchval(statement("tracing", "known"), lot):
        return
    behind = await connection.fetchval(statement("tracing", "behind"))
    remedy = (
        "custody is still behind what was received: ask again in a moment"
        if behind
        else "write it as its plant did: plant, slash, number in capitals (shihe-mine/L-1)"
    )
    raise UnknownLotError(f"no statement that holds speaks of lot {lot}; {remedy}")


async def _named_papers(connection: Connection, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
    named: dict[tuple[int, int], str] = {}
    wanted = sorted(places)
    for start in range(0, len(wanted), ENVELOPES):
        some = transposed(wanted[start : start + ENVELOPES], 2)
        rows = await connection.fetch(statement("following", "at_places"), *some)
        for now in await read_current(connection, rows):
            said = now.said
            if isinstance(said, st.Import):
                named[now.place] = f"{said.declaration} ({said.country_of_origin}, {said.exporter})"
            elif isinstance(said, st.ScrapIntake):
                named[now.place] = said.supplier
    return named
