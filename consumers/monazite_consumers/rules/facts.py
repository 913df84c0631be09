"""What an entry of the registry is: a declared fact with a key, how sure it is, and from when until when it holds."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from monazite_consumers.rules.written import Day, Remark


def in_order(since: Any, until: Any) -> None:
    """Refuses an end that does not lie after the beginning."""
    if until is not None and until <= since:
        raise PydanticCustomError("until_order", "until lies after since", {"field": "until"})


class Entry(BaseModel):
    """One declared fact. `noun` and `key` name it; everything else is what it says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_fields: ClassVar[tuple[str, ...]] = ()
    """The fields that make the key, in its order."""

    @property
    def key(self) -> str:
        """What tells this entry from others of its noun."""
        return " ".join(str(getattr(self, name)) for name in self.key_fields)


class Sourced(Entry):
    """A fact that says how sure it is."""

    evidence: Remark = ""
    """How sure the fact is: read, derived, recalled or assumed, and where."""


class Dated(Sourced):
    """A fact that holds from a day on."""

    since: Day
    until: Day | None = None
    """The first day on which it no longer holds; none: it holds on."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        in_order(self.since, self.until)
        return self

    @property
    def last_day(self) -> date | None:
        """The last day on which it holds; none: it holds on."""
        return None if self.until is None else self.until - timedelta(days=1)

    def holds_on(self, day: date) -> bool:
        """Whether the fact holds on a day in Asia/Shanghai."""
        return self.since <= day and (self.until is None or day < self.until)


def grouped(entries: Iterable[Any], attribute: str) -> Mapping[str, list[Any]]:
    """Entries by what they say of one thing."""
    found: dict[str, list[Any]] = defaultdict(list)
    for entry in entries:
        found[getattr(entry, attribute)].append(entry)
    return found
