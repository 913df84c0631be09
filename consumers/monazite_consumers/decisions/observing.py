"""Observes what today's facts say of alerts: of caps, of lists, of logs, of what was counted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.decisions.examples import examples
from monazite_consumers.decisions.logs import LOG_RULES, observe_logs
from monazite_consumers.decisions.noticing import is_noticed, observe_noticed
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.alerts import AlertKey, Observed
from monazite_consumers.rules.caps import (
    CAP_RULES,
    Cap,
    CapDays,
    CapJudgement,
    cap_conditions,
    judge_cap,
    would_have_held,
)
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.draws import LISTED_BASES, counts, read_draws
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.catalogue import CapKind
from monazite_contracts.months import day_of

CITED_MAX = 100
"""Events that an alert names one by one; the count says how many there are."""

_PLANT_SUBJECTS = {"plant", "gateway"}


async def judge_caps(
    connection: Connection, registry: Registry, caps: Iterable[Cap], judged_at: datetime
) -> dict[AlertKey, Observed]:
    """Judges caps at an instant: notes the judgement beside each, and returns what to say of their alerts."""
    judgements, observed = await observe_caps(connection, registry, caps, judged_at)
    if judgements:
        await _note_judgements(connection, judgements)
    return observed


async def observe_caps(
    connection: Connection, registry: Registry, caps: Iterable[Cap], judged_at: datetime
) -> tuple[dict[Cap, CapJudgement], dict[AlertKey, Observed]]:
    """How caps are judged at an instant, and what to say of their alerts; writes nothing."""
    today = day_of(judged_at)
    wanted = sorted(caps)
    if not wanted:
        return {}, {}
    columns = transposed([(cap.holder, cap.year, cap.kind) for cap in wanted], 3)
    rows = await connection.fetch(statement("caps", "days"), *columns)
    drawn = {
        Cap(row["holder"], row["year"], CapKind(row["kind"])): CapDays(row["days"], row["drawn_g"], row["original_g"])
        for row in rows
    }
    judgements = {
        cap: judge_cap(drawn.get(cap, CapDays()), registry.grants(cap.holder, cap.year, cap.kind), today)
        for cap in wanted
    }
    observed: dict[AlertKey, Observed] = {}
    for cap, judgement in judgements.items():
        # A member draws on its group's cap; it has one of its own only when it is granted something.
        silent = judgement.granted_g is None and registry.group(cap.holder, registry.day_within(cap.year, today))
        held = frozenset() if silent else cap_conditions(judgement)
        for rule in CAP_RULES:
            observed[AlertKey(rule, cap.subject, f"{cap.year}")] = _observed_cap(rule, judgement, rule in held)
    await _cite_corrections(connection, registry, judgements, observed)
    return judgements, observed


def _observed_cap(rule: str, judgement: CapJudgement, holds: bool) -> Observed:  # noqa: FBT001 - a fact about the rule
    overrun = judgement.original_then if rule == "cap-cleared-by-correction" else judgement.then
    evidence: dict[str, Any] = {"drawn_g": judgement.drawn_g, "granted_g": judgement.granted_g}
    if rule in {"cap-overrun-then", "cap-cleared-by-correction"}:
        evidence["original_g"] = judgement.original_g
        if overrun is not None:
            evidence |= {
                "first_day": f"{overrun.first_day}",
                "last_day": f"{overrun.last_day}",
                "peak_g": overrun.peak_g,
            }
    return Observed(holds, would_have_held(rule, judgement), evidence, judgement.percent)


async def _note_judgements(connection: Connection, judgements: Mapping[Cap, CapJudgement]) -> None:
    rows = [
        (
            cap.holder,
            cap.year,
            cap.kind,
            judgement.granted_g,
            judgement.then.first_day if judgement.then else None,
            judgement.then.last_day if judgement.then else None,
            judgement.then.peak_g if judgement.then else None,
        )
        for cap, judgement in judgements.items()
    ]
    await connection.execute(statement("caps", "judged"), *transposed(rows, 7))


async def _cite_corrections(
    connection: Connection,
    registry: Registry,
    judgements: Mapping[Cap, CapJudgement],
    observed: dict[AlertKey, Observed],
) -> None:
    """The evidence of a cleared overrun is every amendment of a draw on that cap."""
    for cap in judgements:
        key = AlertKey("cap-cleared-by-correction", cap.subject, f"{cap.year}")
        seen = observed[key]
        if not seen.holds:
            continue
        cited = await _amendments_of(connection, registry, cap)
        evidence = {**seen.evidence, "amendments": cited[:CITED_MAX], "amendments_count": len(cited)}
        observed[key] = Observed(seen.holds, seen.held_before, evidence, seen.percent)


async def _amendments_of(connection: Connection, registry: Registry, cap: Cap) -> list[dict[str, Any]]:
    """Every amendment that changed what some day draws on a cap, with the grams that it moved there in all."""
    found = []
    for row in await connection.fetch(statement("findings", "amended_draws"), f"{cap.year}-"):
        plant = row["subject"]
        moved = [
            draw.amount_g
            for draw in read_draws(row["moved"])
            if (draw.day.year, draw.kind) == (cap.year, cap.kind)
            and counts(draw.kind, draw.basis, registry.settings)
            and cap.holder in registry.holders(plant, draw.day)
        ]
        if moved:
            found.append({"event": str(row["event_id"]), "plant": plant, "moved_g": sum(moved)})
    return found


async def observe(
    connection: Connection, registry: Registry, keys: Iterable[AlertKey], judged_at: datetime
) -> dict[AlertKey, Observed]:
    """What today's facts say of alerts that do not speak of caps."""
    by_rule: dict[str, list[AlertKey]] = defaultdict(list)
    for key in sorted(keys):
        if not RULES[key.rule].quiet:
            by_rule[key.rule].append(key)
    observed = await _observe_unlisted(connection, registry, by_rule.pop("unlisted-producer", []))
    observed |= await observe_logs(connection, [key for rule in LOG_RULES for key in by_rule.pop(rule, [])])
    settled_before = judged_at - timedelta(minutes=registry.settings.settle_minutes)
    others = [key for keys_of_rule in by_rule.values() for key in keys_of_rule]
    held = [key for key in others if is_noticed(key)]
    for key, seen in (await observe_noticed(connection, registry, held, judged_at)).items():
        observed[key] = seen._replace(province=province_of(registry, key))
    counted = [key for key in others if not is_noticed(key)]
    cited = await examples(connection, counted)
    for row in await _sums(connection, counted):
        key = AlertKey(row["rule"], row["subject"], row["period"])
        observed[key] = _observed_sum(row, cited.get(key), settled_before, province_of(registry, key))
    return observed


async def _sums(connection: Connection, keys: list[AlertKey]) -> list[Any]:
    return await connection.fetch(statement("findings", "totals"), *transposed(keys, 3)) if keys else []


def _observed_sum(
    row: Any, cited: list[dict[str, Any]] | None, settled_before: datetime, province: str | None
) -> Observed:
    """As it is counted; an absence holds as soon as the earliest has settled."""
    absence = RULES[row["rule"]].fires_on == "absence"
    evidence = {"count": row["count"], "measure": row["measure"]}
    if row["first_at"] is not None:
        evidence |= {"first_at": row["first_at"].isoformat(), "last_at": row["last_at"].isoformat()}
    if cited:
        evidence["examples"] = cited
    settled = row["first_at"] is not None and row["first_at"] <= settled_before
    holds = row["count"] > 0 and (settled or not absence)
    return Observed(holds, absence, evidence, province=province)


async def _observe_unlisted(
    connection: Connection, registry: Registry, keys: list[AlertKey]
) -> dict[AlertKey, Observed]:
    observed: dict[AlertKey, Observed] = {}
    years = sorted({key.period for key in keys})
    for year in years:
        plants = [key.subject for key in keys if key.period == year]
        first, after = date(int(year), 1, 1), date(int(year) + 1, 1, 1)
        found: dict[str, list[Any]] = defaultdict(list)
        bases = list(LISTED_BASES)
        for row in await connection.fetch(statement("draws", "of_plant_year"), plants, first, after, bases):
            if not registry.listed(row["plant"], CapKind(row["kind"]), row["day"]):
                found[row["plant"]].append(row)
        for plant in plants:
            key = AlertKey("unlisted-producer", plant, year)
            observed[key] = _observed_unlisted(found[plant], province_of(registry, key))
    return observed


def _observed_unlisted(rows: list[Any], province: str | None) -> Observed:
    evidence: dict[str, Any] = {
        "reo_g": sum(row["drawn_g"] for row in rows),
        "events": sum(row["events"] for row in rows),
    }
    if rows:
        evidence |= {"first_day": f"{rows[0]['day']}", "last_day": f"{max(row['day'] for row in rows)}"}
    return Observed(bool(rows), held_before=False, evidence=evidence, province=province)


def province_of(registry: Registry, key: AlertKey) -> str | None:
    """The province of the plant that an alert is about, if it is about one that is registered."""
    if RULES[key.rule].subject not in _PLANT_SUBJECTS:
        return None
    plant = registry.plants.get(key.subject.partition("/")[0])
    return plant.province if plant is not None else None
