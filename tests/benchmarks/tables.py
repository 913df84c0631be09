"""What a section of the benchmark says: a table, printed by rich and written as Markdown alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.table import Table as RichTable


@dataclass(frozen=True)
class Table:
    """Rows of text under headings. `notes` are sentences below."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def rich(self) -> RichTable:
        """For a terminal."""
        table = RichTable(*self.headings, title=self.title, title_justify="left", caption="\n".join(self.notes))
        table.caption_justify = "left"
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """For a page."""
        lines = [f"**{self.title}**", "", _line(self.headings), _line(["---"] * len(self.headings))]
        lines += [_line(row) for row in self.rows]
        return "\n".join([*lines, *(f"\n{note}" for note in self.notes)]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def spread(figures: Sequence[float], form: str = ",.0f") -> str:
    """The median with the range that it comes from."""
    found = sorted(figures)
    text = format(median(found), form)
    return text if len(found) == 1 else f"{text} ({format(found[0], form)} to {format(found[-1], form)})"


def verdict(value: float, target: float, *, at_most: bool = False) -> str:
    """Whether a target is met."""
    return "met" if (value <= target if at_most else value >= target) else "MISSED"
