"""Waybills: what each side has said of one, whom its consignor named, and whose word counts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from monazite_consumers.rules.custody import is_short
from monazite_consumers.rules.entries import Settings
from monazite_consumers.rules.keys import consignor_of
from monazite_contracts import statements as st
from monazite_contracts.quantities import grams

Data_co = TypeVar("Data_co", bound=st.Statement, covariant=True)


class Said(NamedTuple, Generic[Data_co]):
    """A current statement about a shipment. `arrived_at`: of a change of destination, since when it has been stated."""

    plant: str
    data: Data_co
    arrived_at: datetime


class Sides(NamedTuple):
    """What was said of one waybill, each the earliest first."""

    dispatches: tuple[Said[st.Dispatched], ...]
    redirects: tuple[Said[st.DestinationChanged], ...]
    receipts: tuple[Said[st.Received], ...]

    @property
    def namings(self) -> tuple[Said[Any], ...]:
        """Whom the consignor named as consignee, one after the other; the last one counts."""
        return (*self.dispatches, *self.redirects) if self.redirects else self.dispatches[:1]

    @property
    def named(self) -> frozenset[str]:
        """Everybody whom the consignor has named at any time."""
        return frozenset(map(named_by, self.dispatches)) | frozenset(map(named_by, self.redirects))

    @property
    def heard(self) -> tuple[Said[st.Received], ...]:
        """Receipts of those: nobody else can speak for them."""
        named = self.named
        return tuple(each for each in self.receipts if each.plant in named)


class Back(NamedTuple):
    """Of a lot that came from outside the register: how much its taker had sent there by then, and taken back."""

    sent_g: int
    back_g: int


class Word(NamedTuple):
    """What one side said of one lot, in grams, for as long as it did. `until`: None where it says so still.

    `kind`: `dispatched`, or of a receipt what was `received` and what `refused`.
    """

    kind: str
    plant: str
    at: datetime
    lot: str
    net_g: int
    since: datetime
    until: datetime | None


class Beyond(NamedTuple):
    """What else is known of a shipment than what is stated of it now.

    `back`: of each lot that was taken in from outside the register. `past`: what was said of it until it was amended.
    """

    back: Sequence[Back]
    past: Sequence[Word]


def sides_of(said: Sequence[Said[Any]]) -> Sides:
    """Both sides of a waybill. What was said at one instant and arrived at one is ordered by what it says."""
    ordered = sorted(said, key=lambda s: (when(s), s.arrived_at, s.plant, s.data.model_dump_json()))
    return Sides(
        tuple(each for each in ordered if isinstance(each.data, st.Dispatched)),
        tuple(each for each in ordered if isinstance(each.data, st.DestinationChanged)),
        tuple(each for each in ordered if isinstance(each.data, st.Received)),
    )


def when(said: Said[st.Statement]) -> datetime:
    """Its event time."""
    return st.INSTANT_OF[type(said.data)](said.data)


def named_by(said: Said[Any]) -> str:
    """The consignee whom a dispatch or a change of destination names."""
    return consignor_of(said.data.consignee)


def accepts(receipt: Said[st.Received]) -> bool:
    """Whether anything was taken in."""
    return any(grams(line.accepted_kg) for line in receipt.data.lines)


def stands(receipt: Said[st.Received], sides: Sides, consignee: str) -> bool:
    """Whether a receipt is the consignee's answer, and what it refuses its consignor's.

    Until the consignor sends the goods on: from then on whoever is named now owes them.
    """
    return answers(receipt.plant, when(receipt), sides, consignee)


def answers(plant: str, at: datetime, sides: Sides, consignee: str) -> bool:
    """The same of whatever a plant said to have found at an instant."""
    later = {named_by(each) for each in sides.redirects if when(each) > at}
    if plant != consignee or not later:
        return plant == consignee
    earlier = {named_by(each) for each in sides.redirects if when(each) <= at}
    return consignee not in earlier.union(map(named_by, sides.dispatches)) and later == {consignee}


def came_before_they_left(sent_at: datetime, received_at: datetime, settings: Settings) -> bool:
    """Whether goods were received before they were dispatched, by more than clocks may be apart."""
    return sent_at - received_at > timedelta(minutes=settings.future_tolerance_minutes)


def expected_at(sides: Sides, settings: Settings, named_since: datetime) -> datetime:
    """By when goods should arrive: whoever is named anew has as long as if they had left on that day.

    Whatever is corrected meanwhile, goods had left, or were sent on, when that was first stated.
    """
    longest = timedelta(days=max(settings.transit_days, settings.transit_days_max))
    return min(_expected_at(sides, timedelta(days=settings.transit_days), longest), named_since + longest)


def _expected_at(sides: Sides, transit: timedelta, longest: timedelta) -> datetime:
    sent = sides.dispatches[0].data
    if sides.redirects:
        return max(sent.dispatched_at, when(sides.redirects[-1])) + transit
    if sent.expected_at is None or sent.expected_at <= sent.dispatched_at:  # nobody is late before goods can come
        return sent.dispatched_at + transit
    return min(sent.expected_at, sent.dispatched_at + longest)


def came_back(back: Sequence[Back], tolerance_ppm: int) -> bool:
    """Goods that were sold come back from their buyer, who is outside the register: no more than were sent there."""
    return bool(back) and not any(is_short(each.sent_g, each.back_g, tolerance_ppm) for each in back)
