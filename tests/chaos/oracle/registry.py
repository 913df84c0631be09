"""The regulator's files, asked the plain way."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from chaos.oracle.facts import Json


class Registry:
    """What is declared."""

    def __init__(self, nouns: dict[str, Any]) -> None:
        self.nouns = nouns
        self.settings = {"claim_tolerance_ppm": 5000, "future_tolerance_minutes": 15} | nouns["settings"]
        self.keys = {key["id"]: key for key in nouns["gateway_keys"]}
        self.gateways = {(key["plant"], key["gateway"]) for key in nouns["gateway_keys"]}
        self.plants = {plant["code"] for plant in nouns["plants"]}

    def on(self, noun: str, day: date, **wanted: str) -> Iterator[Json]:
        for entry in self.nouns[noun]:
            if wanted.items() <= entry.items() and entry["since"] <= f"{day}" < entry.get("until", "9"):
                yield entry

    @lru_cache(maxsize=10_000)  # noqa: B019 - lives as long as the run
    def holders(self, plant: str, day: date) -> list[str]:
        operators = [o["enterprise"] for o in self.on("operations", day, plant=plant)]
        return self.upwards(operators[0], day) if operators else []

    def upwards(self, enterprise: str, day: date) -> list[str]:
        groups = [m["group"] for m in self.on("memberships", day, member=enterprise)]
        return [enterprise, *(self.upwards(groups[0], day) if groups else [])]

    def listed(self, plant: str, kind: str, day: date) -> bool:
        activity = "separation" if kind == "separation" else "mining"
        return any(list(self.on("approvals", day, enterprise=h, activity=activity)) for h in self.holders(plant, day))

    def grants(self) -> dict[Any, dict[date, int]]:
        granted: dict[Any, dict[date, int]] = defaultdict(lambda: defaultdict(int))
        for a in self.nouns["allocations"]:
            issued, year = date.fromisoformat(a["issued_on"]), a["year"]
            within = min(max(issued, date(year, 1, 1)), date(year, 12, 31))
            for holder in self.upwards(a["holder"], within):
                granted[holder, year, a["kind"]][issued] += a["tonnes_reo"] * 1_000_000
        return granted
