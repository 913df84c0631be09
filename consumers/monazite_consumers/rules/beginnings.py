"""Since when something about a lot has been so without a break, in the order in which statements arrived."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Final, NamedTuple

from monazite_consumers.rules.contradictions import there_from
from monazite_consumers.rules.custody import Listed, LotState, fault_of, is_short
from monazite_consumers.rules.move_rows import Stated
from monazite_consumers.rules.moves import KINDS, is_output

_ALL: Final = ""


class Span(NamedTuple):
    """So much of something, for as long as it was stated. `until`: None where it is stated still."""

    what: str
    amount: int
    since: datetime
    until: datetime | None


class Link(NamedTuple):
    """A lot that was said to have gone into another, for as long as it was. `broken`: it has no lawful origin now."""

    broken: bool
    broken_since: datetime | None
    since: datetime
    until: datetime | None


Holds = Callable[[Counter[str]], bool]
"""Whether something is so, by what was stated at one moment."""


def ever_since(spans: Iterable[Span], holds: Holds) -> datetime | None:
    """Since when what holds now has held without a break; None: from before anything was stated."""
    changes: dict[datetime, Counter[str]] = defaultdict(Counter)
    for each in spans:
        changes[each.since][each.what] += each.amount
        if each.until is not None:
            changes[max(each.until, each.since)][each.what] -= each.amount
    stated, since = Counter[str](), None
    held = holds(stated)
    for instant in sorted(changes):
        stated.update(changes[instant])
        was, held = held, holds(stated)
        if held and not was:
            since = instant
    return since


def begun(spans: Iterable[Span], holds: Holds) -> datetime:
    """The same of what cannot hold before anything was stated."""
    since = ever_since(spans, holds)
    assert since is not None  # noqa: S101 - whoever asks has found that it holds
    return since


def _span(what: str, each: Stated, amount: int = 1) -> Span:
    return Span(what, amount, each.since, each.until)


def short_since(stated: Iterable[Stated], plant: str, tolerance_ppm: int) -> datetime:
    """Since when a plant has given away more of a lot than it had, beyond a tolerance."""
    spans = [_span("in" if KINDS[s.kind].sign > 0 else "out", s, s.net_g) for s in stated if s.plant == plant]
    return begun(spans, lambda sums: is_short(sums["in"], sums["out"], tolerance_ppm))


def short_at(stated: Iterable[Stated], plant: str, tolerance_ppm: int) -> datetime:
    """When a plant gave away what was one too much, in the order of events; it is short now."""
    now = [each for each in stated if each.plant == plant and each.until is None]
    in_g = sum(each.net_g for each in now if KINDS[each.kind].sign > 0)
    outs = sorted((each.at, each.net_g) for each in now if KINDS[each.kind].sign < 0)
    sums = accumulate(net_g for _, net_g in outs)
    return next(at for (at, _), out_g in zip(outs, sums, strict=True) if is_short(in_g, out_g, tolerance_ppm))


def unreported_since(stated: Iterable[Stated], plant: str) -> datetime:
    """Since when a plant has dealt with a lot that nobody made."""
    spans = [
        _span("makers" if KINDS[each.kind].makes else "dealings", each)
        for each in stated
        if KINDS[each.kind].makes or each.plant == plant
    ]
    return begun(spans, lambda known: known["dealings"] > 0 and not known["makers"])


def unreported_at(stated: Iterable[Stated], plant: str) -> datetime:
    """When a plant first dealt with a lot that nobody made."""
    return min(each.at for each in stated if each.plant == plant and each.until is None)


def early_since(stated: Iterable[Stated], plant: str, had: datetime, gave: datetime) -> datetime:
    """Since when a plant has been known to have given some of a lot away at an instant, and had none before another."""
    spans = []
    for each in stated:
        if each.plant != plant or not KINDS[each.kind].sign:
            continue
        if KINDS[each.kind].sign < 0:
            spans += [_span("early", each)] * (each.at < had)
        else:
            spans += [_span("had", each)] + [_span("in time", each)] * (
                there_from(each.kind, each.step, each.at) <= gave
            )
    return begun(spans, lambda known: known["early"] > 0 and known["had"] > 0 and not known["in time"])


def recycled_since(stated: Iterable[Stated]) -> datetime:
    """Since when a lot has been stated as recycled."""
    spans = [
        _span(_ALL, each)
        for each in stated
        if is_output(each.kind, each.step) and (each.step == "recovered" or each.origin == "recycled")
    ]
    return begun(spans, lambda known: known[_ALL] > 0)


class Origin(NamedTuple):
    """Everything that was ever stated of where a lot comes from."""

    makers: Sequence[Stated]
    links: Sequence[Link]


def broken_since(state: LotState, origin: Origin, listed: Listed) -> datetime | None:
    """Since when no lawful chain has stood behind a lot, reported or not; None: it never had one."""
    return ever_since(_of_origin(state, origin, listed), _is_broken)


def unlawful_since(state: LotState, origin: Origin, listed: Listed) -> datetime:
    """Since when a lot has been stated to be made, and no lawful chain stood behind it."""
    return begun(_of_origin(state, origin, listed), lambda known: known[_ALL] > 0 and _is_broken(known))


def _is_broken(known: Counter[str]) -> bool:
    if not known[_ALL] or known["bad end"]:
        return True
    return known["process"] > 0 and (not known["link"] or known["bad link"] > 0)


def _of_origin(state: LotState, origin: Origin, listed: Listed) -> Iterator[Span]:
    for maker in origin.makers:
        yield _span(_ALL, maker)
        if maker.kind == "made" and maker.step != "mined":
            yield _span("process", maker)
        elif fault_of(maker, listed) is not None:
            yield _span("bad end", maker)
    for link in origin.links:
        yield Span("link", 1, link.since, link.until)
        if link.broken or state.broken == "circle":
            yield Span("bad link", 1, _broken_from(state, link), link.until)


def _broken_from(state: LotState, link: Link) -> datetime:
    """What was said to go in before is judged as it is now: since when, would go in circles, as it does in a circle."""
    if link.until is not None or state.broken == "circle" or link.broken_since is None:
        return link.since
    return max(link.since, link.broken_since)
