"""Single lots and records that a story needs at its own hour, beside what a mine reports in the evening."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from monazite_contracts.events import Stream
from monazite_producers.simulator import records
from monazite_producers.simulator.chapters.invented import at
from monazite_producers.simulator.records import Event, Lot, Shift
from monazite_producers.simulator.sites import Feed
from monazite_producers.simulator.works import Mine

LOT_G = 2_000_000
"""REO of a crafted lot: small beside any cap."""

Say = Callable[[Stream, Sequence[Any], datetime], None]

NIGHT_S = 6 * 3600
"""Crafted lots are made in the night shift and told of in the morning."""


def say_a_lot(mine: Mine, day: date, say: Say) -> Event:
    """Makes a lot in the night shift and has it said at once, in an envelope of its own, at 11:00."""
    event = craft_a_lot(mine, day)
    say(Stream.PRODUCTION, [event], at(day, 11))
    return event


def craft_a_lot(mine: Mine, day: date) -> Event:
    """Makes a lot in the night shift; the caller sees to it that it is said."""
    event = state_a_lot(mine, day)
    mine.unsay(event)
    return event


def state_a_lot(mine: Mine, day: date) -> Event:
    """Makes a lot in the night shift; it is reported with the day's other records."""
    mine.make("mined", mine.product, LOT_G, Feed(), Shift(day, 0, NIGHT_S))
    return mine.last_stated


@dataclass(frozen=True, slots=True)
class Held:
    """A lot that waits in the yard for what its office has to say of it, and how it was stated."""

    lot: Lot
    stated: Event


def hold_a_lot(mine: Mine, day: date) -> Held:
    """Makes a lot in the night shift and sets it aside."""
    stated = state_a_lot(mine, day)
    (lot,) = [lot for lot in mine.stock[mine.product] if lot.code == stated["data"]["lot"]]
    return Held(mine.set_aside(lot), stated)


def unposted_lot(mine: Mine, day: date, record: str) -> Event:
    """A production event that will never be applied: it draws nothing in the account and is in nobody's stock."""
    lot = mine.new_lot(mine.product, "domestic", LOT_G)
    lot.code = f"{mine.code}/{record}"
    data = records.production("mined", lot, lot.reo_g, (), Shift(day, 0, NIGHT_S))
    return records.event("production", mine.code, record, records.clock(day, NIGHT_S), data)
