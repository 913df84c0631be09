"""Whether declared entries fit together: every problem is listed, so that one reading mends them all."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from monazite_consumers.registry import tonnages
from monazite_consumers.registry.problems import Declared, Problem, RegistryRefused, about, did_you_mean
from monazite_consumers.rules.registry import Registry

_REFERENCES: Final = (
    # noun, field, the noun whose code it names
    ("memberships", "member", "enterprises"),
    ("memberships", "group", "enterprises"),
    ("operations", "plant", "plants"),
    ("operations", "enterprise", "enterprises"),
    ("gateway_keys", "plant", "plants"),
    ("approvals", "enterprise", "enterprises"),
    ("allocations", "holder", "enterprises"),
    ("breakdowns", "group", "enterprises"),
    ("breakdowns", "member", "enterprises"),
    ("successions", "predecessor", "enterprises"),
    ("successions", "successor", "enterprises"),
    ("duties", "enterprise", "enterprises"),
    ("excuses", "plant", "plants"),
    ("licences", "enterprise", "enterprises"),
)

_EXCLUSIVE: Final = (
    # noun, whose, what it may have only one of at a time
    ("memberships", "member", "group"),
    ("operations", "plant", "enterprise"),
)


@dataclass(frozen=True)
class _Statements:
    """Everything declared, by noun, and the registry that it would make."""

    declared: Sequence[Declared]

    @cached_property
    def by_noun(self) -> Mapping[str, Sequence[Declared]]:
        by_noun: dict[str, list[Declared]] = defaultdict(list)
        for each in self.declared:
            by_noun[each.noun].append(each)
        return by_noun

    def of(self, noun: str) -> Sequence[Declared]:
        return self.by_noun.get(noun, ())

    @cached_property
    def registry(self) -> Registry:
        return Registry.of(0, ((each.noun, each.entry) for each in self.declared))


def check(declared: Iterable[Declared]) -> tuple[Problem, ...]:
    """All problems of entries that are each right by themselves."""
    statements = _Statements(tuple(declared))
    structure = [problem for part in _STRUCTURE for problem in part(statements)]
    if structure:
        # Tonnages follow from memberships and successions: judged on broken ones they would only add noise.
        return tuple(structure)
    return tuple(tonnages.check(statements.of("allocations"), statements.of("breakdowns"), statements.registry))


def require(declared: Iterable[Declared]) -> None:
    """Raises RegistryRefused, with all problems, unless the entries fit together."""
    if problems := check(declared):
        raise RegistryRefused(problems)


def _duplicates(statements: _Statements) -> Iterator[Problem]:
    first: dict[tuple[str, str], Declared] = {}
    for each in statements.declared:
        before = first.setdefault((each.noun, each.entry.key), each)
        if before is not each:
            yield about(each, "duplicate-entry", f"the same key is declared already{_at(before)}")


def _unknown_references(statements: _Statements) -> Iterator[Problem]:
    codes = {noun: {each.entry.key for each in statements.of(noun)} for noun in ("enterprises", "plants")}
    for noun, field, target in _REFERENCES:
        for each in statements.of(noun):
            code = getattr(each.entry, field)
            if code not in codes[target]:
                hint = did_you_mean(code, codes[target])
                yield about(each, "unknown-reference", f"{code} is not among the {target}{hint}", field)


def _overlaps(statements: _Statements) -> Iterator[Problem]:
    for noun, whose, what in _EXCLUSIVE:
        by_owner: dict[str, list[Declared]] = defaultdict(list)
        for each in statements.of(noun):
            by_owner[getattr(each.entry, whose)].append(each)
        for owner, owned in by_owner.items():
            latest: Declared | None = None  # the one that has lasted longest so far
            for each in sorted(owned, key=lambda d: _span(d.entry)):
                if latest is not None and (latest.entry.until is None or each.entry.since < latest.entry.until):
                    other = f"{getattr(latest.entry, what)} since {latest.entry.since}{_at(latest)}"
                    yield about(
                        each, "overlap", f"{owner} has one {what} at a time, and {other} has not ended", "since"
                    )
                if latest is None or (latest.entry.until is not None and _ends_later(each, latest)):
                    latest = each


def _circles(statements: _Statements) -> Iterator[Problem]:
    # A circle holds on the day on which its latest link begins, so that each link need only be followed on its first.
    for each in statements.of("memberships"):
        member, group = each.entry.member, each.entry.group
        above = (group, *statements.registry.groups(group, each.entry.since))
        if member in above:
            yield about(each, "circle", f"{member} would stand above itself: {' → '.join([member, *above])}", "group")


def _succession_years(statements: _Statements) -> Iterator[Problem]:
    links: dict[tuple[str, int], Declared] = {}
    for each in statements.of("successions"):
        for year in each.entry.years:
            other = links.setdefault((each.entry.predecessor, year), each)
            if other is not each:
                yield about(each, "overlap", f"{other.entry.key} takes over {year} already{_at(other)}", "years")
    for (predecessor, year), each in links.items():
        heirs = _heirs(links, each, year)
        if predecessor in heirs:
            path = " → ".join([predecessor, *heirs])
            yield about(each, "circle", f"the caps of {year} would never arrive: {path}", "successor")


def _same_public_keys(statements: _Statements) -> Iterator[Problem]:
    first: dict[str, Declared] = {}
    for each in statements.of("gateway_keys"):
        before = first.setdefault(each.entry.public, each)
        if before is not each:
            yield about(each, "same-public-key", f"{before.entry.key} has the same public key{_at(before)}", "public")


_STRUCTURE: Final[tuple[Callable[[_Statements], Iterator[Problem]], ...]] = (
    _duplicates,
    _unknown_references,
    _overlaps,
    _circles,
    _succession_years,
    _same_public_keys,
)


def _heirs(links: Mapping[tuple[str, int], Declared], first: Declared, year: int) -> list[str]:
    """Who takes over from whom in a year, from one link on, each once."""
    heirs = [first.entry.successor]
    while (link := links.get((heirs[-1], year))) is not None and link.entry.successor not in heirs:
        heirs.append(link.entry.successor)
    return heirs


def _span(entry: Any) -> tuple[Any, bool, Any]:
    return entry.since, entry.until is None, entry.until or entry.since


def _ends_later(each: Declared, latest: Declared) -> bool:
    return each.entry.until is None or each.entry.until > latest.entry.until


def _at(other: Declared) -> str:
    return f" ({other.place})" if other.place else ""
