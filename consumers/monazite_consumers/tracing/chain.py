"""Reads the chain of a lot, or of all that a plant made, up or down: level by level, each lot once."""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import Any, Final, NamedTuple, TypeVar

from asyncpg.transaction import Transaction

from monazite_consumers.database import Connection
from monazite_consumers.decisions.lots import REUSED
from monazite_consumers.errors import MonaziteError
from monazite_consumers.rules.custody import LotState
from monazite_consumers.rules.keys import month_key
from monazite_consumers.rules.moves import MAKING
from monazite_consumers.rules.tracing import Traced, broken_here, came_from, place, share
from monazite_consumers.sql import statement
from monazite_consumers.tracing.stays import stays
from monazite_contracts.months import month_end, month_start

Answer = TypeVar("Answer")

EVER: Final = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


class UnknownLotError(MonaziteError):
    """No statement that holds speaks of this lot."""


class TooManyLotsError(MonaziteError):
    """A plant made more lots than a trace follows."""


class Limits(NamedTuple):
    """How far a trace goes: lots in all, and levels if anybody asks. What is beyond is said to be not followed."""

    lots: int = 100_000
    levels: int | None = None


LIMITS: Final = Limits()


class Subject(NamedTuple):
    """What is traced: a lot by its name, or what a plant made, ever or in a month."""

    name: str
    plant: str | None = None
    month: str | None = None


@dataclass(frozen=True)
class Trace:
    """The chain of its subject, in grams and units of `WHOLE`.

    `lots`: the subject first, also where it is a plant, which is no lot. `states`: with all that was made of a lot, by
    however many statements. `passes`: along the trace, which lot leads to which. `came`: downwards, how much of each
    lot came from the subject. `unfollowed`: lots that lead on to what is beyond the limits.
    """

    subject: Subject
    down: bool
    lots: tuple[Traced, ...]
    states: Mapping[str, LotState]
    passes: Mapping[str, Mapping[str, int]]
    came: Mapping[str, int | None]
    unfollowed: frozenset[str]

    @cached_property
    def names(self) -> list[str]:
        """Every lot on it, the traced one too."""
        return [each.lot for each in self.lots[self.subject.plant is not None :]]

    @cached_property
    def gone(self) -> dict[str, int]:
        """Grams of each lot that went into others, downwards, or that others went into, upwards."""
        return {lot: sum(ahead.values()) for lot, ahead in self.passes.items()}

    def broken(self, traced: Traced) -> str | None:
        """Why the chain is broken at this very lot, if it is."""
        if self.subject.plant is not None and traced.lot == self.subject.name:
            return None
        return broken_here(traced, self.states.get(traced.lot))

    @cached_property
    def breaks(self) -> list[tuple[Traced, str]]:
        """Every lot at which the chain is broken, with why."""
        return [(each, why) for each in self.lots if (why := self.broken(each)) is not None]


def snapshot(connection: Connection) -> Transaction:
    """In which a trace, its papers and the whereabouts of its lots agree with each other."""
    return connection.transaction(isolation="repeatable_read", readonly=True)


async def trace(connection: Connection, lot: str, *, down: bool = False, limits: Limits = LIMITS) -> Trace:
    """The chain of a lot: what it came from, or what became of it.

    Raises:
        UnknownLotError: nobody has said anything of it.
    """
    way = _Way(down, limits, {lot})
    await way.walk(connection, [lot])
    found = await _shared(connection, way, Subject(lot), {lot})
    if way.lots == {lot} and not found.states:
        await _require_known(connection, lot)
    return found


async def trace_plant(
    connection: Connection, plant: str, month: str | None = None, *, limits: Limits = LIMITS
) -> Trace:
    """What became of everything that a plant made, ever or in a month (`2023-05`).

    Also of lots of its own that it gave away though nobody reported them.

    Raises:
        UnknownLotError: it has made nothing.
        TooManyLotsError: it has made more than a trace follows.
    """
    subject = Subject(plant if month is None else month_key(plant, month), plant, month)
    since, until = EVER if month is None else (month_start(month), month_end(month))
    rows = await connection.fetch(statement("tracing", "of_plant"), plant, list(MAKING), since, until)
    if not rows:
        said = f"no statement that holds says that {subject.name} has made anything"
        raise await _unknown(connection, said, "write a plant as the register does")
    if len(rows) > limits.lots:
        raise TooManyLotsError(f"{subject.name} made {len(rows):,} lots; {limits.lots:,} can be traced: ask by month")
    own = {row["lot"] for row in rows}
    first = {row["lot"]: row["net_g"] for row in rows if row["first"]}
    way = _Way(down=True, limits=limits, lots=set(own), passes={subject.name: first})
    await way.walk(connection, list(own))
    return await _shared(connection, way, subject, {subject.name, *own})


async def _shared(connection: Connection, way: "_Way", subject: Subject, whole: Collection[str]) -> Trace:
    """Lots are put in order while PostgreSQL looks up what they are."""
    reading = await _begun(_states(connection, way.lots))
    placed = place(subject.name, way.passes)
    rests: Mapping[str, int] = {}
    came: Mapping[str, int | None] = {}
    if way.down:
        states = await reading
        rests = await _rests(connection, states, way.passes)
        adding = await _begun(_inputs(connection, way.lots, states))
        traced = share(placed, way.passes, rests)
        came = came_from(placed, way.passes, await adding, whole)
    else:
        traced = share(placed, way.passes)
        states = await reading
    return Trace(subject, way.down, traced, states, way.passes, came, frozenset(way.unfollowed))


async def _begun(reading: Coroutine[Any, Any, Answer]) -> "asyncio.Task[Answer]":
    """A question that PostgreSQL works on while we work on something else."""
    task = asyncio.create_task(reading)
    await asyncio.sleep(0)
    return task


@dataclass
class _Way:
    """What has been found so far, a level at a time."""

    down: bool
    limits: Limits
    lots: set[str]
    passes: dict[str, dict[str, int]] = field(default_factory=dict)
    unfollowed: set[str] = field(default_factory=set)

    async def walk(self, connection: Connection, ends: list[str]) -> None:
        """Until there is nothing further, or a limit is reached: lots that lead beyond it are ends."""
        asked = await _begun(self._next(connection, ends))
        for level in count():
            rows = await asked
            fresh = set().union(*[ahead for _, ahead, _ in rows]) - self.lots
            if fresh and self._is_too_far(level, len(fresh)):
                self.unfollowed = {lot for lot, ahead, _ in rows if not fresh.isdisjoint(ahead)}
                rows, fresh = [row for row in rows if row[0] not in self.unfollowed], set()
            if fresh:
                self.lots |= fresh
                asked = await _begun(self._next(connection, list(fresh)))
            for lot, ahead, net_g in rows:
                self.passes[lot] = _summed(ahead, net_g)
            if not fresh:
                return

    def _is_too_far(self, level: int, fresh: int) -> bool:
        return level == self.limits.levels or len(self.lots) + fresh > self.limits.lots

    async def _next(self, connection: Connection, ends: list[str]) -> list[Any]:
        asked = statement("tracing", "down") if self.down else statement("tracing", "up")
        return list(await connection.fetch(asked, ends))


def _summed(lots: list[str], net_g: list[int]) -> dict[str, int]:
    """Grams by lot; most are named once."""
    found = dict(zip(lots, net_g, strict=True))
    if len(found) < len(lots):
        found = dict.fromkeys(found, 0)
        for lot, mass_g in zip(lots, net_g, strict=True):
            found[lot] += mass_g
    return found


async def _states(connection: Connection, lots: Iterable[str]) -> dict[str, LotState]:
    rows = await connection.fetch(statement("tracing", "states"), list(lots), list(MAKING), REUSED)
    return {row[0]: LotState._make(row) for row in rows}


async def _inputs(connection: Connection, lots: Collection[str], states: Mapping[str, LotState]) -> dict[str, int]:
    """Grams that went into each lot: as custody judged it, or as statements say where it has still to judge."""
    unjudged = [lot for lot in lots if lot not in states]
    rows = await connection.fetch(statement("tracing", "inputs"), list(lots), unjudged)
    return {lot: state.used_g for lot, state in states.items()} | dict(map(tuple, rows))


async def _rests(
    connection: Connection, states: Mapping[str, LotState], passes: Mapping[str, Mapping[str, int]]
) -> dict[str, int]:
    """Grams of each lot that went into no other: on hand, sent out of the register, lost.

    Of a lot that nobody reported nobody said how much there was: what is found of it somewhere.
    """
    rests = {
        lot: left_g
        for lot, ahead in passes.items()
        if (state := states.get(lot)) is not None and (left_g := state.net_g - sum(ahead.values())) > 0
    }
    unreported = [lot for lot, state in states.items() if state.broken == "unreported"]
    found = await stays(connection, unreported) if unreported else {}
    return rests | {lot: sum(stay.net_g for stay in here) for lot, here in found.items()}


async def _require_known(connection: Connection, lot: str) -> None:
    if not await connection.fetchval(statement("tracing", "known"), lot):
        remedy = "write a lot as its plant did: plant, slash, number in capitals (shihe-mine/L-1)"
        raise await _unknown(connection, f"no statement that holds speaks of lot {lot}", remedy)


async def is_behind(connection: Connection) -> bool:
    """Whether custody has still to follow something that was received, or to judge a lot or a shipment."""
    return bool(await connection.fetchval(statement("tracing", "behind")))


async def _unknown(connection: Connection, said: str, remedy: str) -> UnknownLotError:
    if await is_behind(connection):
        remedy = "custody is still behind what was received: ask again in a moment"
    return UnknownLotError(f"{said}; {remedy}")
