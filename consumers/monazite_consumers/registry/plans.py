"""The difference between what is in force and what is declared."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from monazite_consumers.rules.entries import NOUNS
from monazite_consumers.rules.facts import Entry
from monazite_consumers.rules.registry import Registry

Document = Mapping[str, Any]

_GUARDED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "enterprises": ("enterprise", "enterprises"),
        "plants": ("plant", "plants"),
        "gateway_keys": ("gateway key", "gateway keys"),
        "allocations": ("allocation", "allocations"),
    }
)
"""Nouns whose entries nobody removes by mistake, for one and for several."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry's difference as JSON; `before` is None for a new entry, `after` for one that is taken out."""

    noun: str
    key: str
    before: Document | None
    after: Document | None

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        """What happens to the entry."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"

    def fields(self) -> Mapping[str, tuple[Any, Any]]:
        """(before, after) of every field that differs; None where there is no entry."""
        before, after = self.before or {}, self.after or {}
        pairs = {name: (before.get(name), after.get(name)) for name in {**before, **after}}
        return MappingProxyType({name: pair for name, pair in pairs.items() if pair[0] != pair[1]})


@dataclass(frozen=True, slots=True)
class Plan:
    """What would make the declared registry the one in force. `revision`: the one that was compared with."""

    revision: int
    wanted: tuple[tuple[str, Entry], ...]
    changes: tuple[Change, ...]
    allow_removals: bool = True
    """Whether it may be applied if it removes guarded entries (`removals`)."""


def document(entry: Entry | None) -> Document | None:
    """An entry as JSON, every field written out."""
    return None if entry is None else entry.model_dump(mode="json")


def difference(before: Registry, wanted: Iterable[tuple[str, Entry]]) -> tuple[Change, ...]:
    """Every change, by noun in the order of `NOUNS`, then by key."""
    old = {(noun, entry.key): entry for noun, entries in before.entries.items() for entry in entries}
    new = {(noun, entry.key): entry for noun, entry in wanted}
    order = {noun: number for number, noun in enumerate(NOUNS)}
    return tuple(
        Change(noun, key, document(old.get((noun, key))), document(new.get((noun, key))))
        for noun, key in sorted(old.keys() | new.keys(), key=lambda name: (order[name[0]], name[1]))
        if old.get((noun, key)) != new.get((noun, key))
    )


def removals(changes: Iterable[Change]) -> str:
    """`2 enterprises and 1 allocation`: what of the guarded nouns is removed; nothing: empty."""
    counts = Counter(change.noun for change in changes if change.kind == "removed")
    said = [f"{counts[noun]} {words[counts[noun] > 1]}" for noun, words in _GUARDED.items() if counts[noun]]
    return " and ".join(part for part in (", ".join(said[:-1]), *said[-1:]) if part)
