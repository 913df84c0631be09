"""Judges plants' months anew: is the flow record filed, does it agree with the events, does the material balance."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.books import Month, read_months
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.counts import about_counts
from monazite_consumers.decisions.flagging import flag
from monazite_consumers.decisions.month_material import notice_material
from monazite_consumers.decisions.noticing import Noticed, state
from monazite_consumers.decisions.obligations import (
    about_agreement,
    about_obligation,
    flag_of,
    obligation_of,
    read_outages,
)
from monazite_consumers.decisions.openings import notice_openings
from monazite_consumers.decisions.reported import amended_since, restate
from monazite_consumers.rules.balances import Band, bias_ppm, out_of_band, recoveries
from monazite_consumers.rules.obligations import deadline_of
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.settling import Instants
from monazite_contracts.months import month_end
from monazite_contracts.quantities import ppm

MONTHS: Final = 50
"""That one portion judges."""


async def judge_months(
    connection: Connection, registry: Registry, instants: Instants, keys: Sequence[str], changes: Changes
) -> None:
    """Judges months and keeps what comes of it, in the caller's transaction."""
    months = await read_months(connection, keys)
    noticed = await _examine(connection, registry, instants.judged_at, months)
    await state(connection, "month", keys, noticed, changes)
    await flag(
        connection, keys, [f for each in noticed if (f := flag_of(each, months, registry, instants)) is not None]
    )
    await restate(connection, keys)


async def examine_months(
    connection: Connection, registry: Registry, judged_at: datetime, keys: Sequence[str]
) -> Sequence[Noticed]:
    """What is noticed about months; writes nothing."""
    return await _examine(connection, registry, judged_at, await read_months(connection, keys))


async def _examine(
    connection: Connection, registry: Registry, judged_at: datetime, months: Mapping[str, Month]
) -> list[Noticed]:
    outages = await read_outages(connection, months.values(), registry)
    noticed: list[Noticed] = []
    for key, known in months.items():
        noticed += about_agreement(key, known, registry)
        if month_end(known.month) <= judged_at:
            noticed += about_obligation(key, known, obligation_of(known, outages, registry))
        noticed += _about_balance(key, known, deadline_of(known.month, outages, registry), registry)
        noticed += await about_counts(connection, key, known, registry)
    noticed += await notice_openings(connection, registry, months)
    noticed += await amended_since(connection, list(months))
    named = {
        key: (known.plant, known.first, deadline_of(known.month, outages, registry)) for key, known in months.items()
    }
    return [*noticed, *await notice_material(connection, registry, named)]


def _about_balance(key: str, known: Month, at: datetime, registry: Registry) -> Iterator[Noticed]:
    """From the deadline on: until then a month may still be told of."""
    settings = registry.settings
    for recovery in recoveries(known.flows):
        band = registry.recoveries.get(recovery.step)
        if band is None:
            continue
        odd = out_of_band(recovery, Band(ppm(band.low_pct), ppm(band.high_pct)), settings.assay_uncertainty_ppm)
        if odd is not None:
            rule = f"recovery-{recovery.step}"
            yield Noticed(key, rule, known.plant, known.month, at, abs(recovery.made_g - recovery.used_g), odd)
    bias = bias_ppm(known.flows)
    if bias is not None and abs(bias) > settings.bias_tolerance_ppm:
        detail = {"month": known.month, "bias_ppm": bias}
        yield Noticed(key, "claimed-bias", known.plant, known.month, at, abs(bias), detail)
