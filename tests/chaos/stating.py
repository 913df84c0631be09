"""What plants state in a chaos run, at random: masses and assays, lots, shipments, and what amends them."""

from collections import deque
from datetime import date, timedelta
from random import Random
from typing import Any

from chaos.country import OWED
from monazite_contracts import builders
from monazite_contracts.quantities import kilograms, percent

Json = dict[str, Any]
DAYS = [date(2024, 5, 31), date(2024, 12, 31), date(2025, 1, 10), date(2025, 6, 30), date(2025, 7, 1)]
DAYS += [date.fromisoformat(f"{month}-09") for month in OWED]
OUTCOMES = ("accepted", "short", "over", "refused", "partly_refused")
FUTURE = date(2098, 3, 3)


class Stating:
    """What is stated, and what was said of it last."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._records = 0
        self.current: dict[str, deque[tuple[Json, Json]]] = {}
        """Of each plant: the newest event of a statement, and the statement as it says it now."""
        self.goods: dict[str, deque[tuple[str, str]]] = {}
        """Of each plant: lots that it made or took in, with their products."""
        self._assays: dict[str, Json] = {}
        """Of lots, as they were first stated."""

    def record(self) -> str:
        """A new record's id."""
        self._records += 1
        return f"R-{self._records}"

    def _assay(self, ppm: int) -> Json:
        if self._random.random() < 0.5:
            moisture = percent(self._random.randrange(0, 200_000))
            return builders.an_assay(moisture_pct=moisture, treo_pct=percent(ppm))
        return builders.an_oxide_assay(treo_pct=percent(ppm))

    def _metal(self) -> Json:
        return builders.a_metal_assay(Nd=percent(self._random.randrange(1, 750_000)), Pr="24.5001")

    def _weighed(self, mass_g: int | None, ppm: int | None, assay: Json | None = None) -> Json:
        """A mass and its assay; one in three comes to exactly half a gram, which tells how it is rounded."""
        chosen = self._random.randrange(3)
        if mass_g is None and chosen == 0:
            mass_g, assay = self._random.choice((1_000, 3_000, 5_000)), builders.an_oxide_assay(treo_pct="0.0500")
        mass_g = mass_g or self._random.randrange(1, 9_000_000)
        if assay is None:
            assay = (
                builders.an_oxide_assay(treo_pct=percent(ppm)) if ppm else self._assay(self._random.randrange(1, 10**6))
            )
        # The claim is right or far off: near the tolerance two readers of the same figures agree anyway.
        return {"net_mass_kg": kilograms(mass_g), "assay": assay, "claimed_reo_kg": kilograms(mass_g)}

    def mined(self, plant: str, day: date, *, mass_g: int | None = None, ppm: int | None = None) -> Json:
        """A mine's lot."""
        product = self._random.choice(("bastnaesite-concentrate",) * 3 + ("ionic-oxide-concentrate",))
        product = "bastnaesite-concentrate" if mass_g else product
        return builders.a_production(
            plant=plant, record=self.record(), product=product, period=_period(day), **self._weighed(mass_g, ppm)
        )

    def made(self, plant: str, day: date) -> Json:
        """A lot that was separated, smelted or recovered, at times out of lots that the plant has."""
        activity = self._random.choice(("separated",) * 3 + ("recovered", "smelted"))
        inputs = [
            builders.an_input(product=product, **_without_claim(self._weighed(None, None)))
            for product in self._random.sample(("bastnaesite-concentrate", "lanthanum-oxide", "mixed-oxide"), 2)
        ]
        if (known := self.goods.get(plant)) and self._random.random() < 0.5:
            inputs = [
                builders.an_input(lot=lot, product=product, **_without_claim(self._weighed(None, None)))
                for lot, product in dict(self._random.choices(known, k=2)).items()
                if not product.endswith("metal")  # whose assay is another
            ] or inputs
        weighed = self._weighed(None, None)
        if activity == "smelted":
            weighed["assay"] = self._metal()
        product = "ndpr-metal" if activity == "smelted" else "ndpr-oxide"
        return builders.a_separation(
            plant=plant, record=self.record(), activity=activity, product=product, inputs=inputs,
            period=_period(day), origin=self._random.choice(("domestic",) * 4 + ("recycled",)), **weighed,
        )  # fmt: skip

    def stated(self, plant: str) -> Json:
        """A new lot."""
        day = self._random.choice(DAYS) if self._random.random() > 0.01 else FUTURE
        chosen = self._random.random()
        if chosen < 0.08:
            at = f"{day}T09:00:00+08:00"
            return builders.an_import(plant=plant, record=self.record(), imported_at=at, **self._weighed(None, None))
        if chosen < 0.12:
            at = f"{day}T09:00:00+08:00"
            record = self.record()
            product = self._random.choice(("magnet-sludge", "magnet-sludge", "bastnaesite-concentrate"))
            weighed = self._weighed(None, None)
            return builders.a_scrap_intake(plant=plant, record=record, product=product, taken_in_at=at, **weighed)
        event = self.mined(plant, day) if plant.endswith("mine") else self.made(plant, day)
        if chosen > 0.985:  # a lot number that is used before
            event["data"]["lot"] = f"{plant}/USED-{self._random.randrange(3)}"
        return event

    def shipped(self, plant: str, consignee: str, lot: str, product: str) -> tuple[Json, Json | None]:
        """A dispatch, and what its consignee found, if it ever arrived."""
        day, record, mass_g = self._random.choice(DAYS), self.record(), self._random.randrange(10, 3_000_000)
        sent = builders.a_dispatch(
            plant=plant, record=record, waybill=f"W-{record}", consignee={"kind": "plant", "plant": consignee},
            lines=[{"lot": lot, "product": product, "net_mass_kg": kilograms(mass_g)}],
            dispatched_at=f"{day}T12:00:00+08:00",
        )  # fmt: skip
        if (outcome := self._random.choice((*OUTCOMES, "accepted", "never"))) == "never":
            return sent, None
        found = builders.a_receipt_of_goods(
            plant=consignee, record=f"{record}-IN", waybill=f"W-{record}", outcome=outcome,
            consignor={"kind": "plant", "plant": plant}, lines=[_found(lot, outcome, mass_g)],
            received_at=f"{day}T18:00:00+08:00",
        )  # fmt: skip
        return sent, found

    def blended(self, plant: str, known: list[tuple[str, str]]) -> Json:
        """Lots become one; of a single one that is all there is of it, the blend is what it was."""
        parts = dict(self._random.choices(known, k=self._random.choice((1, 2, 3))))
        masses = [self._random.randrange(1_000, 3_000_000) for _ in parts]
        mass_g = sum(masses) if self._random.random() < 0.7 else self._random.randrange(1_000, 9_000_000)
        lot, product = next(iter(parts.items()))
        other = self._metal() if product.endswith("metal") else self._assay(self._random.randrange(1, 10**6))
        assay = self._assays.get(lot, other) if len(parts) == 1 else other
        return builders.a_blend(
            plant=plant, record=self.record(), product=product, net_mass_kg=kilograms(mass_g), assay=assay,
            blended_at=self._noon(),
            parents=[_part(lot, mass) for lot, mass in zip(parts, masses, strict=True)],
        )  # fmt: skip

    def split(self, plant: str, lot: str) -> Json:
        """A lot becomes several, at times with less in them than there was, or more."""
        record = self.record()
        masses = [self._random.randrange(1_000, 1_000_000) for _ in range(self._random.choice((1, 2, 3)))]
        whole_g = sum(masses) + self._random.choice((0, 0, 0, sum(masses) // 3, -(min(masses) // 2)))
        children = [_part(f"{plant}/{record}-{number}", mass) for number, mass in enumerate(masses)]
        return builders.a_split(
            plant=plant, record=record, parent=_part(lot, whole_g), children=children, split_at=self._noon()
        )

    def _noon(self) -> str:
        return f"{self._random.choice(DAYS)}T12:00:00+08:00"

    def remember(self, event: Json, statement: Json) -> None:
        """What may be amended, shipped and used from now on."""
        self.current.setdefault(statement["source"], deque(maxlen=200)).append((event, statement))
        self.keep(statement["source"], statement["data"]["lot"], statement["data"]["product"])
        self._assays.setdefault(statement["data"]["lot"], statement["data"]["assay"])

    def keep(self, plant: str, lot: str, product: str) -> None:
        """A plant has some of a lot."""
        if "USED" not in lot:  # a number that is used again may go into itself
            self.goods.setdefault(plant, deque(maxlen=30)).append((lot, product))

    def amendment(self, event: Json, statement: Json) -> Json:
        """A void, a final assay or a correction of what an event says."""
        named = statement | {"id": event["id"], "recordid": event["recordid"]}
        target, record, plant = builders.a_target(event), self.record(), statement["source"]
        how = self._random.random()
        if how < 0.3:
            return builders.a_void(named, record=record, plant=plant, target=target)
        if how < 0.45 and statement["data"].get("assay", {}).get("basis") in {"dry", "as_received"}:
            assay = builders.an_assay(treo_pct=percent(self._random.randrange(1, 1_000_000)))
            made = builders.an_assay_finalised(named, record=record, plant=plant, assay=assay, target=target)
            self.remember(made, statement | {"data": statement["data"] | {"assay": assay}})
            return made
        changes = self._weighed(None, None)
        if statement["data"]["assay"]["basis"] == "metal":
            changes = {"net_mass_kg": changes["net_mass_kg"]}
        if "period" in statement["data"] and self._random.random() < 0.4:
            changes["period"] = _period(self._random.choice(DAYS))
        made = builders.a_correction(named, changes, record=record, plant=plant, target=target)
        self.remember(made, statement | {"data": statement["data"] | changes})
        if self._random.random() < 0.05:  # and somebody amends the older version once more, or a void
            self.remember(event, statement)
        return made

    def other_mass(self) -> Json:
        """Any mass."""
        return {"net_mass_kg": kilograms(self._random.randrange(1, 9_000_000))}


def _period(day: date) -> Json:
    return {"start": f"{day}T00:00:00+08:00", "end": f"{day + timedelta(days=1)}T00:00:00+08:00"}


def _found(lot: str, outcome: str, sent_g: int) -> Json:
    """What a consignee finds of what was sent."""
    accepted_g = {"short": sent_g - sent_g // 10, "over": sent_g + 1 + sent_g // 10, "refused": 0}.get(outcome, sent_g)
    refused_g = {"refused": sent_g, "partly_refused": sent_g // 2}.get(outcome, 0)
    accepted_g -= refused_g if outcome == "partly_refused" else 0
    reason = {} if outcome == "accepted" else {"reason": "other"}
    return {"lot": lot, "accepted_kg": kilograms(accepted_g), "refused_kg": kilograms(refused_g)} | reason


def _part(lot: str, mass_g: int) -> Json:
    return {"lot": lot, "net_mass_kg": kilograms(mass_g)}


def _without_claim(weighed: Json) -> Json:
    return {name: value for name, value in weighed.items() if name != "claimed_reo_kg"}
