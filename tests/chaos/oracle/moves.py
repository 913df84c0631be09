"""What statements that are so now do to stocks, line by line."""

from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from chaos.oracle.facts import CHINA, Json, day_of, event_time, reo_g

MILLION = 1_000_000
MADE, CAME, WENT = (
    ("opening", "imported", "taken_in", "made"),
    ("received", "returned"),
    ("used", "left_over", "dispatched", "lost"),
)


class Now(NamedTuple):
    """What a statement says now."""

    kind: str
    data: Json
    plant: str
    arrived_at: datetime

    @property
    def at(self) -> datetime:
        return event_time(self.data)


class Move(NamedTuple):
    """One line of a statement."""

    kind: str
    plant: str
    lot: str
    net_g: int
    at: datetime
    step: str = ""
    product: str | None = None
    into: str | None = None
    claimed_g: int = 0
    reo_g: int | None = None
    """By its own assay; None where its lot says how much there is."""
    shipment: tuple[str, str] | None = None
    """Consignor and waybill."""

    @property
    def is_output(self) -> bool:
        """Blending and splitting make nothing new."""
        return self.kind == "made" and self.step not in {"blended", "split"}


def month_start(at: datetime) -> datetime:
    return datetime.combine(day_of(at).replace(day=1), datetime.min.time(), CHINA)


@lru_cache(maxsize=500_000)
def grams(kilograms: str) -> int:
    return int(Fraction(kilograms) * 1000)


def moves_of(said: Now) -> list[Move]:
    data, plant, at = said.data, said.plant, said.at
    kind = said.kind.split(".")[1]
    if kind in {"production", "import", "scrap-intake"}:
        name = {"import": "imported", "scrap-intake": "taken_in"}.get(kind, "made")
        step, net = data.get("activity", ""), data["net_mass_kg"]
        found = [
            Move(
                name, plant, data["lot"], grams(net), at, step, data["product"],
                claimed_g=grams(data["claimed_reo_kg"]), reo_g=reo_g(net, data["assay"]),
            )
        ]  # fmt: skip
        for used in data.get("inputs", []):
            mass = grams(used["net_mass_kg"])
            reo = reo_g(used["net_mass_kg"], used["assay"])
            found.append(Move("used", plant, used["lot"], mass, at, step, used["product"], data["lot"], reo_g=reo))
        if grams(data.get("losses_kg", "0")):
            lost = grams(data["losses_kg"])
            found.append(Move("lost_in_process", plant, data["lot"], lost, at, step, data["product"]))
        return found
    if kind == "blend":
        net_g = grams(data["net_mass_kg"])
        reo = reo_g(data["net_mass_kg"], data["assay"])
        made = Move("made", plant, data["lot"], net_g, at, "blended", data["product"], reo_g=reo)
        return [made, *(_part(part, said, "blended", data["lot"]) for part in data["parents"])]
    if kind == "split":
        return split_of(said)
    if kind == "dispatched":
        return [
            Move(
                "dispatched",
                plant,
                line["lot"],
                grams(line["net_mass_kg"]),
                at,
                product=line["product"],
                shipment=(plant, data["waybill"]),
            )
            for line in data["lines"]
        ]
    if kind == "received":
        parts = [
            (name, line["lot"], grams(line[f"{word}_kg"]))
            for line in data["lines"]
            for name, word in (("received", "accepted"), ("refused", "refused"))
        ]
        way = data["consignor"].get("plant", ""), data["waybill"]
        return [Move(name, plant, lot, net_g, at, shipment=way) for name, lot, net_g in parts if net_g]
    return []


def _part(part: Json, said: Now, step: str, into: str) -> Move:
    return Move("used", said.plant, part["lot"], grams(part["net_mass_kg"]), said.at, step, into=into)


def split_of(said: Now) -> list[Move]:
    """Each child takes its mass of the parent; what no child has is left over."""
    parent, children = said.data["parent"], said.data["children"]
    moves = []
    for child in children:
        moves.append(Move("made", said.plant, child["lot"], grams(child["net_mass_kg"]), said.at, "split"))
        moves.append(_part(child | {"lot": parent["lot"]}, said, "split", child["lot"]))
    rest_g = grams(parent["net_mass_kg"]) - sum(grams(child["net_mass_kg"]) for child in children)
    return [*moves, *([Move("left_over", said.plant, parent["lot"], rest_g, said.at, "split")] if rest_g else [])]
