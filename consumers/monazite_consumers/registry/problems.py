"""What can be wrong with declared entries: one row per rule with its remedy, and the problem as found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final
from unicodedata import category

from monazite_consumers.errors import RegistryError

REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # About a file
        "no-files": "Name a directory that holds .yaml files.",
        "not-a-file": "Restore what the link points at or let the file be read, or take the name out of the directory.",
        "nothing-declared": "Name the directory that holds the registry: applied, this one would take everything out.",
        "not-utf-8": "Save the file in UTF-8.",
        "not-yaml": "Mend the YAML at that line.",
        "not-a-mapping": "Write `noun:` at the top level and its entries under it.",
        "unknown-noun": "Use one of the registry's nouns.",
        "not-a-list": "Write the entries as a list, each beginning with `- `; settings alone are one mapping.",
        # About one entry
        "repeated-key": "Write each key once.",
        "missing-field": "Add the field.",
        "unknown-field": "Use a field of this noun.",
        "wrong-value": "Write the value as the field asks; quote text that looks like a number.",
        "out-of-range": "Write a number within the bounds.",
        "visible-text": "Write one line of visible text, of a block `>-` say; retype what was pasted.",
        "not-in-list": "Use one of the listed values.",
        "whole-number": "Write a whole number in digits, without quotes, point or separator.",
        "day": "Write a day as 2023-03-24, of the years 2000 to 2100.",
        "instant": "Write an instant with its offset from UTC, 2023-03-24T08:00:00+08:00, of the years 2000 to 2100.",
        "until-order": "Let until lie after since: on it, the entry no longer holds.",
        "sign": "Write a cut below zero, everything else at zero or above.",
        "empty": "Name at least one.",
        # About entries that do not fit together
        "duplicate-entry": "Keep one of them; a second statement under the same key would hide the first.",
        "unknown-reference": "Declare what is referred to, or mend the code.",
        "overlap": "End the earlier one on the day on which the later one begins.",
        "circle": "Take one of the links out.",
        "same-public-key": "Make a key pair for each gateway key: one seal must name one sender.",
        "key-changed": "Give the new key pair an id of its own, and end or revoke the old one.",
        "not-a-member": "Declare the membership, or date the breakdown within it.",
        "over-grant": "Pass on less, or declare the grant that covers it, issued by that day.",
        "below-zero": "Cut less, or date the cut on or after the grant that it cuts.",
        "over-reserve": "Release less, or declare the reserve that it comes from.",
    }
)
"""Every rule that refuses a registry, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Declared:
    """An entry and where it was declared; no file: it did not come from one."""

    noun: str
    entry: Any
    """Of the noun's model in `rules.entries`."""
    file: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """`file:line`, for a person."""
        return f"{self.file}:{self.line}" if self.file else ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason to refuse. `rule` is a row of `REMEDIES`; `detail` says what was found there."""

    rule: str
    detail: str
    file: str = ""
    line: int = 0
    noun: str = ""
    entry: str = ""
    field: str = ""

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.rule]

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        where = " ".join(part for part in (self.noun, f"[{self.entry}]" if self.entry else "", self.field) if part)
        head = ": ".join(part for part in (place, where) if part)
        return printable(f"{head}: {self.rule}: {self.detail.rstrip('.')}. {self.remedy}".removeprefix(": "))


class RegistryRefused(RegistryError):  # noqa: N818 - an outcome, as in the contract's words
    """The declared registry is refused; `problems` lists all reasons that were found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"the registry is refused for {count}:", *map(str, self.problems)]))


def printable(text: str) -> str:
    """A text with what no terminal can show, or should obey, escaped."""
    return "".join(each if category(each) not in {"Cc", "Cf", "Cs"} else ascii(each)[1:-1] for each in text)


def about(declared: Declared, rule: str, detail: str, field: str = "") -> Problem:
    """A problem with one entry."""
    return Problem(rule, detail, declared.file, declared.line, declared.noun, declared.entry.key, field)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean …?)` when something known is close, else nothing."""
    close = get_close_matches(word, sorted(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
