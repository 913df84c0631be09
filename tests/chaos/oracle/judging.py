"""Events, statements and caps, and the whole of it."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from chaos.oracle.custody import judge_custody
from chaos.oracle.facts import ORES, Json, amended, day_of, draws_of, event_time, month_of, reo_g, sha, within_contract
from chaos.oracle.messages import End, Message, place, source_of, vouch
from chaos.oracle.moves import Now
from chaos.oracle.registry import Registry
from chaos.oracle.reports import draw_up


class Claim(NamedTuple):
    """An event of an envelope that stands."""

    order: tuple[Any, ...]
    place: tuple[Any, ...]
    at: datetime
    event: Json
    hash: str

    @property
    def target(self) -> tuple[str, str, str] | None:
        target = self.event["data"].get("target")
        return (self.event["source"], target["id"], target["hash"]) if target else None

    @property
    def version(self) -> tuple[str, str, str]:
        return self.event["source"], self.event["id"], self.hash


def judge(messages: Iterable[Message], nouns: dict[str, Any]) -> End:
    """Everything, at once."""
    end, registry, messages = End(), Registry(nouns), list(messages)
    slots: dict[Any, list[tuple[Message, Json]]] = defaultdict(list)
    kept: set[Any] = set()
    for message in sorted(messages, key=lambda m: m.order):
        outcome, why, envelope = vouch(message, registry, end)
        if outcome is None:
            slots[source_of(envelope), envelope["sequence"]].append((message, envelope))
            continue
        same = (sha(message.value), message.headers, message.topic, message.partition, message.key, why)
        end.messages[message.coordinate] = "duplicate" if same in kept else outcome
        kept.add(same)
    standing = place(slots, end)
    claims = decide_events(standing, end)
    current = settle(claims, registry, end)
    makers: dict[str, list[Claim]] = defaultdict(list)
    for lot, by in end.makers:
        makers[lot].append(by)
    for shared in (found for found in makers.values() if len(found) > 1):
        end.raised |= {("lot-reused", by.event["source"], month_of(by.at)) for by in shared}
    judge_caps(registry, end)
    if messages:
        now = max(message.at for message in messages)
        judge_custody(current, registry, end, now)
        draw_up(registry, end, now)
    return end


def decide_events(standing: list[tuple[Message, Json]], end: End) -> list[Claim]:
    """The outcome of each event; returns those that are applied."""
    rivals: dict[str, list[Claim]] = defaultdict(list)
    for message, envelope in standing:
        for index, event in enumerate(envelope["events"]):
            place = (*message.coordinate, index)
            end.events[place] = "applied"
            if not within_contract(event):
                end.events[place] = "refused"
                gateway = "/".join(source_of(envelope).split("/")[:2])
                end.raised.add(("contract-refused", gateway, f"{day_of(message.at)}"))
            elif not event.get("test"):
                form = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                claim = Claim((*message.order, index), place, message.at, event, sha(form.encode()))
                rivals[event["id"]].append(claim)
    applied = []
    for found in rivals.values():
        first, *others = sorted(found, key=lambda claim: claim.order)
        applied.append(first)
        for other in others:
            end.events[other.place] = "duplicate" if other.hash == first.hash else "awaiting"
            if other.hash != first.hash:
                end.raised.add(("event-conflict", other.event["source"], month_of(other.at)))
    return applied


def settle(claims: list[Claim], registry: Registry, end: End) -> list[Now]:
    """Follows each statement through its amendments, and posts what it first said and what it says now."""
    current: list[Now] = []
    amending: dict[Any, list[Claim]] = defaultdict(list)
    for claim in sorted(claims, key=lambda claim: claim.order):
        if claim.target:
            amending[claim.target].append(claim)
    for claim in claims:
        if claim.target:
            continue
        first = data = claim.event["data"]
        kind, by = claim.event["type"], claim
        post(claim, draws_of(kind, first), end, original=True)
        idle: list[tuple[Claim, str]] = []
        while found := amending.pop(by.version, []):
            following = None
            for rival in found:
                after = amended(kind, data, rival.event) if data is not None else {}
                if data is None or after == {}:
                    idle.append((rival, "void-of-void" if data is None else "amendment-out-of-scope"))
                elif following:
                    idle.append((rival, "amendment-rival"))
                else:
                    following = rival, after
            if following is None:
                break
            before = {(day.year, k) for day, k, _, _ in draws_of(kind, data)}
            by, data = following
            now = {(day.year, k) for day, k, _, _ in draws_of(kind, data)} if data else set()
            if now and before != now:
                end.raised.add(("amendment-moves-year", claim.event["source"], f"{day_of(by.at).year}"))
        set_aside(idle, amending, end)
        if data is not None:
            post(by, draws_of(kind, data), end, original=False)
            state(kind, data, by, registry, end)
            current.append(Now(kind, data, claim.event["source"], by.at))
    for orphan in (claim for found in amending.values() for claim in found):
        end.raised.add(("amendment-without-target", orphan.event["source"], month_of(orphan.at)))
    return current


def set_aside(idle: list[tuple[Claim, str]], amending: dict[Any, list[Claim]], end: End) -> None:
    """Amendments without effect, and what amends those; a rival that its plant has voided is nothing to notice."""
    while idle:
        claim, rule = idle.pop()
        followers = amending.pop(claim.version, [])
        if rule == "amendment-rival" and followers and followers[0].event["type"] == "monazite.void.v1":
            rule = ""
            idle.append((followers.pop(0), ""))
        idle += [(follower, "amendment-rival") for follower in followers]
        if rule:
            end.raised.add((rule, claim.event["source"], month_of(claim.at)))


def post(by: Claim, draws: list[tuple[date, str, str, int]], end: End, *, original: bool) -> None:
    for day, kind, basis, grams in draws:
        end.draws[by.event["source"], day, kind, basis][original] += grams


def state(kind: str, data: Json, by: Claim, registry: Registry, end: End) -> None:
    """Lots and findings of a statement as it stands."""
    plant, at = by.event["source"], event_time(data)
    month = month_of(at)
    origins = {"monazite.import.v1": "imported", "monazite.scrap-intake.v1": "recycled", "monazite.blend.v1": "blend"}
    for child in data.get("children", []):
        end.lots[child["lot"], plant, "", "split", int(Fraction(child["net_mass_kg"]) * 1000), None] += 1
        end.makers.append((child["lot"], by))
    if "lot" in data and "assay" in data:
        reo, net_g = reo_g(data["net_mass_kg"], data["assay"]), int(Fraction(data["net_mass_kg"]) * 1000)
        end.lots[data["lot"], plant, data["product"], origins.get(kind) or data["origin"], net_g, reo] += 1
        end.makers.append((data["lot"], by))
        gap = abs(int(Fraction(data.get("claimed_reo_kg", 0)) * 1000) - reo) if "claimed_reo_kg" in data else 0
        if gap * 1_000_000 > registry.settings["claim_tolerance_ppm"] * reo:
            end.raised.add(("claimed-reo", plant, month))
    if data.get("activity") == "recovered" and any(used["product"] in ORES for used in data.get("inputs", [])):
        end.raised.add(("recycler-used-ore", plant, month))
    if at - by.at > timedelta(minutes=registry.settings["future_tolerance_minutes"]):
        end.raised.add(("event-in-future", plant, month))
    if by.at - at > timedelta(days=registry.settings["long_past_days"]):
        end.raised.add(("event-long-past", plant, month))
    for number, (day, cap_kind, basis, grams) in enumerate(draws_of(kind, data)):
        counted = basis in {"output", "separated_again"} and (grams or number == 0)
        if counted and not registry.listed(plant, cap_kind, day):
            end.raised.add(("unlisted-producer", plant, f"{day.year}"))


def judge_caps(registry: Registry, end: End) -> None:
    """Drawn against granted, now and then."""
    days: dict[Any, dict[date, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    end.cap_days, grants = days, registry.grants()
    for (plant, day, kind, basis), (drawn, original) in end.draws.items():
        for holder in registry.holders(plant, day) if basis == "output" else ():
            days[holder, day.year, kind][day][0] += drawn
            days[holder, day.year, kind][day][1] += original
    for cap in {*days, *grants}:
        holder, year, kind = cap
        drawn, original = (sum(day[i] for day in days[cap].values()) for i in (0, 1))
        granted = sum(grants[cap].values()) if cap in grants else None
        if drawn or original or granted is not None:
            end.caps[cap] = (granted, drawn, original)
        if granted is not None or not any(m["member"] == holder for m in registry.nouns["memberships"]):
            end.raised |= {(rule, f"{holder}/{kind}", f"{year}") for rule in cap_rules(days[cap], grants.get(cap))}


def cap_rules(days: dict[date, list[int]], grants: dict[date, int] | None) -> set[str]:
    drawn = sum(day[0] for day in days.values())
    if grants is None:
        return {"cap-not-issued"} if drawn else set()
    granted, over = sum(grants.values()), [False, False]
    rules = {f"cap-{percent}" for percent in (80, 95, 100) if drawn and drawn * 100 >= granted * percent}
    for day in {*days, *grants}:
        issued = sum(grams for issue, grams in grants.items() if issue <= day)
        for i in (0, 1):
            over[i] |= day >= min(grants) and sum(d[i] for of, d in days.items() if of <= day) > issued
    if over[0]:
        rules.add("cap-overrun-then")
    elif over[1]:
        rules.add("cap-cleared-by-correction")
    return rules | ({"cap-overrun"} if drawn > granted else set())
