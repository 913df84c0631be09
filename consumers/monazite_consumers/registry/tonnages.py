"""Whether declared tonnages fit together: nobody passes on, cuts or releases more than there is, on any day."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from monazite_consumers.registry.problems import Declared, Problem, about
from monazite_consumers.rules.grants import CapKey
from monazite_consumers.rules.registry import Registry
from monazite_contracts.quantities import GRAMS_PER_TONNE


def check(allocations: Sequence[Declared], breakdowns: Sequence[Declared], registry: Registry) -> Iterator[Problem]:
    """All problems of allocations and breakdowns whose holders, memberships and successions are sound."""
    yield from _not_members(breakdowns, registry)
    yield from _overspent(allocations, breakdowns, registry)
    yield from _over_reserve(allocations, registry)


def _not_members(breakdowns: Sequence[Declared], registry: Registry) -> Iterator[Problem]:
    for each in breakdowns:
        entry = each.entry
        if entry.group not in registry.groups(entry.member, registry.day_within(entry.year, entry.issued_on)):
            detail = f"{entry.member} does not belong to {entry.group} on {entry.issued_on}"
            yield about(each, "not-a-member", detail, "member")


def _overspent(
    allocations: Sequence[Declared], breakdowns: Sequence[Declared], registry: Registry
) -> Iterator[Problem]:
    """Each cap's own account, day by day: the entries of the first day on which it is below zero are to blame."""
    takers = _takers(allocations, breakdowns, registry)
    for cap in registry.own_caps():
        balance_g = 0
        for grant in registry.own_grants(*cap):
            balance_g += grant.amount_g
            if balance_g < 0:
                yield from (_overdrawn(each, cap, grant.day, balance_g) for each in takers[cap, grant.day])
                break


def _takers(
    allocations: Sequence[Declared], breakdowns: Sequence[Declared], registry: Registry
) -> dict[tuple[CapKey, date], list[Declared]]:
    """What takes from a cap's own account on a day: cuts, what is passed on, what is taken back."""
    takers: dict[tuple[CapKey, date], list[Declared]] = defaultdict(list)
    for each in allocations:
        cut = each.entry
        if cut.form == "cut":
            takers[(registry.successor(cut.holder, cut.year), cut.year, cut.kind), cut.issued_on].append(each)
    for each in breakdowns:
        passed = each.entry
        payer = passed.group if passed.tonnes_reo > 0 else passed.member
        takers[(registry.successor(payer, passed.year), passed.year, passed.kind), passed.issued_on].append(each)
    return takers


def _overdrawn(each: Declared, cap: CapKey, day: date, balance_g: int) -> Problem:
    holder, year, kind = cap
    short_t = -balance_g // GRAMS_PER_TONNE
    detail = f"on {day} {holder} would be {short_t} t short of its {kind} cap of {year}"
    return about(each, "below-zero" if each.noun == "allocations" else "over-grant", detail, "tonnes_reo")


def _over_reserve(allocations: Sequence[Declared], registry: Registry) -> Iterator[Problem]:
    """Releases against announced reserves; a release without any announced reserve stands for itself."""
    accounts: dict[CapKey, list[tuple[date, int, Declared]]] = defaultdict(list)
    for each in allocations:
        entry = each.entry
        if entry.form in {"reserve", "release"}:
            change_t = entry.tonnes_reo if entry.form == "reserve" else -entry.tonnes_reo
            cap = registry.successor(entry.holder, entry.year), entry.year, entry.kind
            accounts[cap].append((entry.issued_on, change_t, each))
    for account in accounts.values():
        reserved_t, announced = 0, any(change_t > 0 for _, change_t, _ in account)
        for day, change_t, each in sorted(account, key=lambda row: (row[0], -row[1])):
            reserved_t += change_t
            if announced and reserved_t < 0:
                yield about(each, "over-reserve", f"on {day} {-reserved_t} t more than the reserve", "tonnes_reo")
                break
