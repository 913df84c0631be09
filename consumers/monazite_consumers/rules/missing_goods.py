"""Since when goods on a waybill have been missing, or nobody sent them, in the order in which statements arrived."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from monazite_consumers.rules.beginnings import Span, begun
from monazite_consumers.rules.custody import is_short
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.waybills import Said, Sides, Word, answers, named_by, when
from monazite_contracts.quantities import grams

_TAKEN: Final = "taken"


@dataclass(frozen=True, slots=True)
class Ever:
    """All that was ever said of a waybill, and what may be missing of each of its lots."""

    spans: Sequence[Span]
    tolerances_ppm: Mapping[str, int]

    def lacks(self, known: Counter[str]) -> bool:
        """Whether, by what was stated at one moment, anything is missing of what was sent."""
        ppm = self.tolerances_ppm.items()
        return any(is_short(known[_came(lot)], known[_sent(lot)], tolerance_ppm) for lot, tolerance_ppm in ppm)


def ever_said(sides: Sides, past: Sequence[Word], registry: Registry) -> Ever:
    """Of a waybill that somebody dispatched; whose word counts is judged by whom the consignor names now."""
    words = [*past, *_words(sides)]
    products = {line.lot: line.product for sent in sides.dispatches for line in sent.data.lines}
    return Ever(
        list(_spans(words, sides, named_by(sides.namings[-1]))),
        {word.lot: registry.mass_tolerance_ppm(products.get(word.lot)) for word in words},
    )


def unanswered_since(ever: Ever) -> datetime:
    """The consignee has said nothing, and whoever was named before it has not taken everything in."""
    return begun(
        ever.spans,
        lambda known: known["dispatches"] > 0 and not known["answers"] and (not known["receipts"] or ever.lacks(known)),
    )


def short_since(ever: Ever) -> datetime:
    """The consignee has spoken, and not everything has come."""
    return begun(ever.spans, lambda known: known["answers"] > 0 and ever.lacks(known))


def named_since(sides: Sides, past: Sequence[Word]) -> datetime:
    """Goods have been stated to be on their way to whoever is named as their consignee last."""
    if sides.redirects:
        return sides.redirects[-1].arrived_at
    return begun(_spans([*past, *_words(sides)], sides, ""), lambda known: known["dispatches"] > 0)


def taken_since(sides: Sides, past: Sequence[Word], plant: str) -> datetime:
    """A plant has stated that it took goods in."""
    taken = [word for word in (*past, *_words(sides)) if word.plant == plant and word.kind == "received"]
    spans = [Span(_TAKEN, word.net_g, word.since, word.until) for word in taken]
    return begun(spans, lambda known: known[_TAKEN] > 0)


def unsent_since(said: Sequence[Said[Any]], past: Sequence[Word]) -> datetime:
    """Something has been stated of goods of which no dispatch was."""
    before = [Span("dispatches" if each.kind == "dispatched" else "said", 1, each.since, each.until) for each in past]
    now = [Span("said", 1, each.arrived_at, None) for each in said]
    return begun([*before, *now], lambda known: known["said"] > 0 and not known["dispatches"])


def _words(sides: Sides) -> Iterator[Word]:
    for sent in sides.dispatches:
        for line in sent.data.lines:
            yield Word("dispatched", sent.plant, when(sent), line.lot, grams(line.net_mass_kg), sent.arrived_at, None)
    for receipt in sides.receipts:
        for found in receipt.data.lines:
            for kind, mass_kg in (("received", found.accepted_kg), ("refused", found.refused_kg)):
                yield Word(kind, receipt.plant, when(receipt), found.lot, grams(mass_kg), receipt.arrived_at, None)


def _spans(words: Sequence[Word], sides: Sides, consignee: str) -> Iterator[Span]:
    named = sides.named
    for word in words:
        if word.kind == "dispatched":
            yield Span("dispatches", 1, word.since, word.until)
            yield Span(_sent(word.lot), word.net_g, word.since, word.until)
        elif word.plant in named:
            is_answer = answers(word.plant, word.at, sides, consignee)
            yield Span("receipts", 1, word.since, word.until)
            yield Span("answers", int(is_answer), word.since, word.until)
            if word.kind == "received" or is_answer:
                yield Span(_came(word.lot), word.net_g, word.since, word.until)


def _sent(lot: str) -> str:
    return f"sent {lot}"


def _came(lot: str) -> str:
    return f"came {lot}"
