"""The regulator's own data as one immutable value: who exists, who may, who holds which cap, and the open settings."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Self

from nacl.signing import VerifyKey

from monazite_consumers.rules.duties import Duties
from monazite_consumers.rules.entries import (
    Approval,
    Enterprise,
    GatewayKey,
    Licence,
    Membership,
    Operation,
    Plant,
    Recovery,
    Settings,
)
from monazite_consumers.rules.facts import Entry, grouped
from monazite_consumers.rules.grants import CapKey, Grant, by_day, granted_g
from monazite_consumers.rules.written import ListedActivity
from monazite_contracts.catalogue import CapKind
from monazite_contracts.quantities import GRAMS_PER_TONNE
from monazite_contracts.seal import public_key

Spell = tuple[int, int]
"""A year, and how many changes lie before: on all its days everybody's operator, group and approvals are the same."""


@dataclass(frozen=True)
class Registry:
    """All entries at one revision, with the look-ups that rules need."""

    revision: int = 0
    entries: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    former_keys: Mapping[str, Any] = field(default_factory=dict)
    """Signing keys that were taken out, by id: they vouch for nothing, but what they did not seal stays refused."""

    @classmethod
    def of(cls, revision: int, entries: Iterable[tuple[str, Entry]]) -> Self:
        """From (noun, entry) pairs."""
        by_noun: dict[str, list[Entry]] = defaultdict(list)
        for noun, entry in entries:
            by_noun[noun].append(entry)
        return cls(revision, {noun: tuple(sorted(found, key=lambda e: e.key)) for noun, found in by_noun.items()})

    def _all(self, noun: str) -> tuple[Any, ...]:
        return self.entries.get(noun, ())

    @cached_property
    def settings(self) -> Settings:
        """The declared settings, or the defaults."""
        found = self._all("settings")
        return found[0] if found else Settings()

    @cached_property
    def plants(self) -> Mapping[str, Plant]:
        """Plants by code."""
        return {plant.code: plant for plant in self._all("plants")}

    @cached_property
    def enterprises(self) -> Mapping[str, Enterprise]:
        """Enterprises by code."""
        return {enterprise.code: enterprise for enterprise in self._all("enterprises")}

    @cached_property
    def keys(self) -> Mapping[str, GatewayKey]:
        """Signing keys by id."""
        return {key.id: key for key in self._all("gateway_keys")}

    @cached_property
    def licences(self) -> Mapping[str, Licence]:
        """Export licences by number."""
        return {licence.number: licence for licence in self._all("licences")}

    @cached_property
    def recoveries(self) -> Mapping[str, Recovery]:
        """Bands of recovery rates by process step."""
        return {recovery.step: recovery for recovery in self._all("recoveries")}

    @cached_property
    def _tolerances(self) -> Mapping[str, int]:
        return {tolerance.product: tolerance.mass_ppm for tolerance in self._all("tolerances")}

    def mass_tolerance_ppm(self, product: str | None) -> int:
        """How far masses of a product may differ."""
        return self._tolerances.get(product or "", self.settings.mass_tolerance_ppm)

    @cached_property
    def sealing_keys(self) -> Mapping[str, GatewayKey]:
        """The same, and those that were taken out: an id names one key for ever."""
        return {**self.former_keys, **self.keys}

    @cached_property
    def verify_keys(self) -> Mapping[str, VerifyKey]:
        """The same, ready to verify with."""
        return {key.id: public_key(key.public) for key in self.sealing_keys.values()}

    @cached_property
    def gateways(self) -> frozenset[tuple[str, str]]:
        """(plant, gateway) of every gateway that has a key."""
        return frozenset((key.plant, key.gateway) for key in self._all("gateway_keys"))

    @cached_property
    def _operations(self) -> Mapping[str, list[Operation]]:
        return grouped(self._all("operations"), "plant")

    @cached_property
    def _memberships(self) -> Mapping[str, list[Membership]]:
        return grouped(self._all("memberships"), "member")

    @cached_property
    def _successors(self) -> Mapping[tuple[str, int], str]:
        return {(s.predecessor, year): s.successor for s in self._all("successions") for year in s.years}

    @cached_property
    def _holders_seen(self) -> dict[tuple[str, Spell], tuple[str, ...]]:
        return {}

    @cached_property
    def _listed_seen(self) -> dict[tuple[str, CapKind, Spell], bool]:
        return {}

    @cached_property
    def _turns(self) -> list[date]:
        dated = (*self._all("approvals"), *self._all("duties"))
        ends = frozenset(day for spell in dated for day in (spell.since, spell.until) if day is not None)
        return sorted(self.change_days() | ends)

    def _spell(self, day: date) -> Spell:
        return day.year, bisect_right(self._turns, day)

    @cached_property
    def simulated(self) -> bool:
        """Whether any plant is simulated: then nothing that is decided happened, and every screen says so."""
        return any(plant.simulated for plant in self.plants.values())

    def change_days(self) -> frozenset[date]:
        """The days on which somebody's operator or group changes; succession changes with the year."""
        dated = (*self._all("operations"), *self._all("memberships"))
        return frozenset(day for spell in dated for day in (spell.since, spell.until) if day is not None)

    def operator(self, plant: str, day: date) -> str | None:
        """The enterprise that runs a plant on a day."""
        return next((o.enterprise for o in self._operations.get(plant, ()) if o.holds_on(day)), None)

    def last_operator(self, plant: str, day: date) -> str | None:
        """Who ran a plant last until a day; if nobody had by then, who ran it first."""
        spells = sorted(self._operations.get(plant, ()), key=lambda spell: spell.since)
        begun = [spell.enterprise for spell in spells if spell.since <= day]
        return begun[-1] if begun else spells[0].enterprise if spells else None

    def group(self, enterprise: str, day: date) -> str | None:
        """The group that an enterprise belongs to on a day."""
        return next((m.group for m in self._memberships.get(enterprise, ()) if m.holds_on(day)), None)

    def groups(self, enterprise: str, day: date) -> tuple[str, ...]:
        """The groups above an enterprise on a day, nearest first, as declared: successions play no part."""
        return self._upwards(enterprise, day)[1:]

    def _upwards(self, enterprise: str, day: date, year: int | None = None) -> tuple[str, ...]:
        """An enterprise and the groups above it; with a year, whoever holds the caps of that year in their stead."""
        found = [enterprise if year is None else self.successor(enterprise, year)]
        while (group := self.group(found[-1], day)) is not None:
            above = group if year is None else self.successor(group, year)
            if above in found:
                break  # a circle is refused when files are read; a rule must not hang on one all the same
            found.append(above)
        return tuple(found)

    def successor(self, holder: str, year: int) -> str:
        """Who holds a holder's caps of a year: itself, or its last successor."""
        seen = {holder}
        while (following := self._successors.get((holder, year))) is not None and following not in seen:
            seen.add(following)
            holder = following
        return holder

    def holders(self, plant: str, day: date) -> tuple[str, ...]:
        """Whose caps a plant's draw of a day posts to: its enterprise, then the groups above, by succession."""
        spell = self._spell(day)
        found = self._holders_seen.get((plant, spell))
        if found is None:
            operator = self.operator(plant, day)
            found = () if operator is None else self._upwards(operator, day, day.year)
            self._holders_seen[plant, spell] = found
        return found

    def _postings(self) -> Iterator[tuple[str, int, CapKind, Grant]]:
        """What each allocation and breakdown does to whom, under the names declared. A breakdown only moves grams."""
        for a in self._all("allocations"):
            if a.form != "reserve":
                yield a.holder, a.year, a.kind, Grant(a.issued_on, a.tonnes_reo * GRAMS_PER_TONNE)
        for b in self._all("breakdowns"):
            passed_g = b.tonnes_reo * GRAMS_PER_TONNE
            yield b.member, b.year, b.kind, Grant(b.issued_on, passed_g)
            yield b.group, b.year, b.kind, Grant(b.issued_on, -passed_g)

    @cached_property
    def _own(self) -> Mapping[CapKey, tuple[Grant, ...]]:
        """What each holder has itself: issued or passed to it, less what it passed on."""
        own: dict[CapKey, list[Grant]] = defaultdict(list)
        for holder, year, kind, grant in self._postings():
            own[self.successor(holder, year), year, kind].append(grant)
        return by_day(own)

    @cached_property
    def _grants(self) -> Mapping[CapKey, tuple[Grant, ...]]:
        """What each cap is granted: a grant posts as a draw does, to the holder and to the groups above it."""
        grants: dict[CapKey, list[Grant]] = defaultdict(list)
        for holder, year, kind, grant in self._postings():
            for cap_holder in self._upwards(holder, self.day_within(year, grant.day), year):
                grants[cap_holder, year, kind].append(grant)
        return by_day(grants)

    @staticmethod
    def day_within(year: int, day: date) -> date:
        """The day whose memberships count for what is issued to a cap: that may lie before the year begins."""
        return min(max(day, date(year, 1, 1)), date(year, 12, 31))

    def grants(self, holder: str, year: int, kind: CapKind) -> tuple[Grant, ...]:
        """All grants to a cap, by day of issue, one a day; a group's include those made straight to its members."""
        return self._grants.get((holder, year, kind), ())

    def granted_caps(self) -> Iterable[CapKey]:
        """Every cap that has a grant, issued or to come."""
        return self._grants.keys()

    def own_caps(self) -> Iterable[CapKey]:
        """Every cap whose holder was issued, or passed, something itself."""
        return self._own.keys()

    def own_grants(self, holder: str, year: int, kind: CapKind) -> tuple[Grant, ...]:
        """What a holder was issued or passed itself, less what it passed on, by day."""
        return self._own.get((holder, year, kind), ())

    def undistributed_g(self, holder: str, year: int, kind: CapKind, day: date) -> int:
        """Grams issued or passed to a holder itself by a day that no breakdown has passed on to a member."""
        return granted_g(self.own_grants(holder, year, kind), day)

    def reserved_g(self, holder: str, year: int, kind: CapKind, day: date) -> int:
        """Grams announced by a day as a holder's reserve and not yet released."""
        sign = {"reserve": 1, "release": -1}
        reserved_t: int = sum(
            sign.get(a.form, 0) * a.tonnes_reo
            for a in self._all("allocations")
            if (self.successor(a.holder, a.year), a.year, a.kind) == (holder, year, kind) and a.issued_on <= day
        )
        return max(0, reserved_t) * GRAMS_PER_TONNE

    def is_member(self, holder: str, year: int) -> bool:
        """Whether a holder stands below a group at any time of a year: then a cap of its own needs a grant."""
        first, last = date(year, 1, 1), date(year, 12, 31)
        return any(m.since <= last and (m.until is None or m.until > first) for m in self._memberships.get(holder, ()))

    @cached_property
    def duties(self) -> Duties:
        """Who owes flow records, of which months, and by when."""
        return Duties(
            self._all("duties"), self._all("excuses"), self._all("deadlines"), self._all("holidays"), self.settings
        )

    @cached_property
    def _approvals(self) -> Mapping[str, list[Approval]]:
        return grouped(self._all("approvals"), "enterprise")

    def answerable(self, plant: str, day: date) -> tuple[str, ...]:
        """Who runs a plant on a day, the groups above it, and who succeeded them; none: nobody runs it."""
        operator = self.operator(plant, day)
        return () if operator is None else (*self._upwards(operator, day), *self.holders(plant, day))

    def next_turn(self, day: date, end: date) -> date:
        """The next day on which some dated fact begins or ends; the end if none does before."""
        number = bisect_right(self._turns, day)
        return min(self._turns[number], end) if number < len(self._turns) else end

    def takes_ore(self, plant: str, day: date) -> bool:
        """Whether ore products may go to a plant on a day: its enterprise stands on a list for mining or separation."""
        return any(
            self._approved(enterprise, activity, day)
            for enterprise in self.answerable(plant, day)
            for activity in ("mining", "separation")
        )

    def listed(self, plant: str, kind: CapKind, day: date) -> bool:
        """Whether who runs a plant, a group above it, or who succeeded them, stands on the list for a kind on a day."""
        spell = self._spell(day)
        found = self._listed_seen.get((plant, kind, spell))
        if found is None:
            answerable = self.answerable(plant, day)
            activity: ListedActivity = "separation" if kind is CapKind.SEPARATION else "mining"
            found = any(self._approved(enterprise, activity, day) for enterprise in answerable)
            self._listed_seen[plant, kind, spell] = found
        return found

    def _approved(self, enterprise: str, activity: ListedActivity, day: date) -> bool:
        approvals = self._approvals.get(enterprise, ())
        return any(approval.activity == activity and approval.holds_on(day) for approval in approvals)
