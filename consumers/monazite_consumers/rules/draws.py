"""What a statement draws from caps: our own computation from mass and assay, never the plant's claim."""

from datetime import date
from typing import Final, Literal, NamedTuple, cast, get_args

from monazite_consumers.rules.entries import Settings
from monazite_consumers.rules.weighing import Weighed
from monazite_contracts import statements as st
from monazite_contracts.assays import reo_g
from monazite_contracts.catalogue import PRODUCTS, CapKind
from monazite_contracts.months import day_of
from monazite_contracts.quantities import divide_half_even

Basis = Literal["output", "feed", "recycled", "separated_again"]
BASES: Final[tuple[Basis, ...]] = get_args(Basis)

LISTED_BASES: Final[tuple[Basis, ...]] = ("output", "separated_again")
"""What only a listed enterprise may make (R6); recycling needs no listing, and feed is the same mass seen before."""


class Draw(NamedTuple):
    """Grams of REO on one day, cap kind and basis. Settings say which bases count; the sums keep them apart."""

    day: date
    kind: CapKind
    basis: Basis
    amount_g: int


def draws_of(weighed: Weighed) -> tuple[Draw, ...]:
    """The draws of one statement; only production draws."""
    statement, at, made_g = weighed
    if type(statement) is not st.Production or made_g is None:
        return ()
    day = day_of(at)
    if statement.activity == "mined":
        kind = PRODUCTS[statement.product].mining_kind
        return () if kind is None else (Draw(day, kind, "output", made_g),)
    if statement.activity == "separated":
        return _separation_draws(statement, day, made_g)
    if statement.activity == "recovered":
        return (Draw(day, CapKind.SEPARATION, "recycled", made_g),)
    return ()


def _separation_draws(statement: st.Production, day: date, made_g: int) -> tuple[Draw, ...]:
    if statement.origin == "recycled":
        return (Draw(day, CapKind.SEPARATION, "recycled", made_g),)
    again_g, fresh_g = 0, 0
    for used in statement.inputs:
        feed_g = reo_g(used.net_mass_kg, used.assay)
        if PRODUCTS[used.product].separated:
            again_g += feed_g
        else:
            fresh_g += feed_g
    # Feed that was separated before counts apart, in proportion to its REO; without stated feed all output is fresh.
    total_g = again_g + fresh_g
    made_again_g = divide_half_even(made_g * again_g, total_g) if total_g else 0
    draws = (
        Draw(day, CapKind.SEPARATION, "output", made_g - made_again_g),
        Draw(day, CapKind.SEPARATION, "separated_again", made_again_g),
        Draw(day, CapKind.SEPARATION, "feed", fresh_g),
    )
    return tuple(draw for draw in draws if draw.amount_g)


def difference(before: tuple[Draw, ...], after: tuple[Draw, ...]) -> tuple[Draw, ...]:
    """What an amendment moves: the grams that each day, kind and basis gains, below zero what it loses."""
    moved: dict[tuple[date, CapKind, Basis], int] = {}
    for sign, draws in ((-1, before), (1, after)):
        for draw in draws:
            key = draw.day, draw.kind, draw.basis
            moved[key] = moved.get(key, 0) + sign * draw.amount_g
    return tuple(Draw(*key, amount_g) for key, amount_g in sorted(moved.items()) if amount_g)


def written(draws: tuple[Draw, ...]) -> str:
    """Draws as a finding keeps them: `2023-05-04/mining_rock/output:-500`, with spaces between."""
    return " ".join(f"{draw.day}/{draw.kind}/{draw.basis}:{draw.amount_g}" for draw in draws)


def read_draws(text: str) -> tuple[Draw, ...]:
    """The same the other way round."""
    found = []
    for part in text.split():
        name, _, amount_g = part.partition(":")
        day, kind, basis = name.split("/")
        found.append(Draw(date.fromisoformat(day), CapKind(kind), cast(Basis, basis), int(amount_g)))
    return tuple(found)


def counts(kind: str, basis: str, settings: Settings) -> bool:
    """Whether a basis draws on the cap, as the settings have it."""
    if kind != CapKind.SEPARATION:
        return basis == "output"
    if basis == "recycled":
        return settings.recycled_counts
    if basis == "separated_again":
        return settings.separated_again_counts
    return basis == settings.separation_counts
