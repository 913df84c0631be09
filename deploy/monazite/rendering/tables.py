"""What every format sets: tables of typed cells, each column with its kind and unit."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a column's cells are."""

    TEXT = "text"
    """A sentence or a name."""
    CODE = "code"
    """A registered code, a word of the contract, a number of a document."""
    NAMED = "named"
    """A code with its name."""
    MASS = "mass"
    """Grams; shown in tonnes."""
    SHARE = "share"
    """Parts per million; shown in percent."""
    COUNT = "count"
    INSTANT = "instant"
    DEADLINE = "deadline"
    """An instant, shown as the day with whose end it comes."""
    FIGURE = "figure"
    """A cell that says itself what it is."""


@dataclass(frozen=True, slots=True)
class Named:
    """A code and, where it is known, the name that stands under it."""

    code: str
    name: str = ""

    @property
    def is_named(self) -> bool:
        """Whether the name says more than the code."""
        return self.name not in {"", self.code}


@dataclass(frozen=True, slots=True)
class Figure:
    """A cell whose kind differs from line to line."""

    kind: Kind
    value: int | str | datetime | None


Cell = str | int | datetime | Named | Figure | None
Rows = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A heading. `weight`: the share of a page's width that its words may want."""

    title: str
    kind: Kind = Kind.CODE
    unit: str = ""
    weight: int = 0

    @property
    def heading(self) -> str:
        """The title with its unit."""
        unit = {Kind.SHARE: "%", Kind.INSTANT: "Asia/Shanghai", Kind.DEADLINE: "Asia/Shanghai"}.get(
            self.kind, self.unit
        )
        return f"{self.title} ({unit})" if unit else self.title


@dataclass(frozen=True, slots=True)
class Table:
    """One topic. `says` tells how to read it, `empty` what it means that there is no line."""

    topic: str
    title: str
    title_zh: str
    says: str
    empty: str
    columns: tuple[Column, ...]
    rows: Rows
    total: tuple[Cell, ...] | None = None
    """The last line, summed from whole grams."""


REO: Final = "t REO"
PRODUCT: Final = "t"


def mass(title: str, unit: str = REO) -> Column:
    """A column of masses."""
    return Column(title, Kind.MASS, unit)


def summed(columns: tuple[Column, ...], rows: Rows, label: str = "Total") -> tuple[Cell, ...]:
    """A line with the sums of masses and counts."""
    first: tuple[Cell, ...] = (label,)
    return first + tuple(
        sum(value for row in rows if isinstance(value := row[at], int))
        if column.kind in {Kind.MASS, Kind.COUNT}
        else None
        for at, column in enumerate(columns)
        if at > 0
    )
