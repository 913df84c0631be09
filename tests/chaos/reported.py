"""What the reports say in the end: as they are stored, as they were announced, and level by level."""

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any, NamedTuple

from chaos.oracle.registry import Registry
from chaos.oracle.reports import next_month
from chaos.world import World
from monazite_consumers.database import Connection
from monazite_consumers.reports.reproducing import reproduced
from monazite_contracts.reports import TraceabilityReport

Json = dict[str, Any]
STORED = (
    "SELECT level, code, to_char(month, 'YYYY-MM') AS month, revision, hash, document FROM reports ORDER BY 1, 2, 3, 4"
)
TABLES = ("output", "flows", "balances", "coverage", "declarations")
"""Whose lines every level has of its plants."""
LINE = ("opening_g", "in_g", "made_g", "used_g", "shipped_g", "lost_g", "closing_g")


class Key(NamedTuple):
    """Whose month."""

    level: str
    code: str
    month: str


@dataclass
class Reports:
    """`revisions`: of each the hashes by number; `newest`: its last document; `announced`: hashes of each, and when."""

    revisions: dict[Key, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    newest: dict[Key, Json] = field(default_factory=dict)
    announced: dict[tuple[Key, int], dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))
    odd: list[str] = field(default_factory=list)

    def of(self, level: str) -> Iterator[tuple[Key, Json]]:
        """The newest of a level."""
        return ((key, document) for key, document in self.newest.items() if key.level == level)


async def read_reports(connection: Connection, found: Reports) -> None:
    """Every revision, each held against its hash, its number and the one before it."""
    async for level, code, month, revision, stored_hash, packed in connection.cursor(STORED):
        key, written = Key(level, code, month), zlib.decompress(packed)
        document, hashed, before = json.loads(written), sha256(written).hexdigest(), found.revisions[key]
        named = document["scope"]["level"], document["scope"]["code"], document["month"], document["revision"]
        if named != (*key, revision):
            found.odd.append(f"{key}: revision {revision} says that it is {named}")
        if hashed != stored_hash.hex():
            found.odd.append(f"{key}: revision {revision} is {hashed}, and was stored as {stored_hash.hex()}")
        if before and document["compared_with"]["hash"] != list(before.values())[-1]:
            found.odd.append(f"{key}: revision {revision} was not compared with the one before it")
        if before and not document["differences"]:
            found.odd.append(f"{key}: revision {revision} says nothing new")
        before[revision] = hashed
        found.newest[key] = document


def hear_reports(announced: Iterable[Json], found: Reports) -> None:
    """Every announcement."""
    for said in announced:
        key = Key(said["level"], said["subject"], said["month"])
        found.announced[key, said["revision"]][said["hash"]] = datetime.fromisoformat(said["ready_at"])


def odd_reports(found: Reports, registry: Registry, restored_at: datetime | None) -> list[str]:
    """What a subscriber, or somebody who adds up, should never meet."""
    odd = list(found.odd)
    for key, stored in found.revisions.items():
        told = {number for whose, number in found.announced if whose == key}
        if {*stored, *told} != set(range(1, max({*stored, *told}) + 1)):
            odd.append(f"{key}: its revisions are {sorted(stored)}, and {sorted(told)} were announced")
        odd += [f"{key}: revision {number} was never announced" for number in sorted(stored.keys() - told)]
    for (key, number), announced in found.announced.items():
        if len(announced) > 1:
            odd.append(f"{key}: revision {number} was announced with several contents: {sorted(announced)}")
        for told_hash, ready_at in announced.items():
            # A database that was put back has forgotten what was announced before, and gives no number away twice.
            is_forgotten = restored_at is not None and ready_at < restored_at
            if found.revisions.get(key, {}).get(number) != told_hash and not is_forgotten:
                odd.append(f"{key}: revision {number} was announced as {told_hash}, and is not stored")
    for key, document in found.newest.items():
        if (nation := found.newest.get(Key("nation", "nation", key.month))) is None:
            odd.append(f"{key}: there is none for the nation")
        else:
            odd += _apart(key, document, nation, registry)
    return odd


def _apart(key: Key, document: Json, nation: Json, registry: Registry) -> Iterator[str]:
    """Each level has its plants' lines as the nation has them, and its parts add up to it."""
    plants = {plant["code"] for plant in document["plants"]}
    expected = {plant["code"] for plant in nation["plants"] if _is_within(plant, key, registry)}
    if plants != expected:
        yield f"{key}: its plants are {sorted(plants)}, not {sorted(expected)}"
    for table in TABLES:
        of_nation = [line for line in nation[table] if line["plant"] in plants]
        if _lines(document[table]) != _lines(of_nation):
            yield f"{key}: its {table} are not the nation's"
    for level in sorted({part["level"] for part in document["parts"]}):
        parts = [part for part in document["parts"] if part["level"] == level]
        for name, total in _totals(document).items():
            if sum(part[name] for part in parts) != total:
                yield f"{key}: {name} of every {level} together is not {total}"


def _is_within(plant: Json, key: Key, registry: Registry) -> bool:
    last_day = date.fromisoformat(f"{next_month(key.month)}-01") - timedelta(days=1)
    within = {
        "nation": True, "province": plant["province"] == key.code, "plant": plant["code"] == key.code,
        "enterprise": key.code in registry.upwards(plant["enterprise"], last_day),
    }  # fmt: skip
    return within[key.level]


def _lines(lines: list[Json]) -> list[Json]:
    return sorted(({name: v for name, v in line.items() if "name" not in name} for line in lines), key=json.dumps)


def _totals(document: Json) -> dict[str, int]:
    """What the parts' lines must add up to, by the lines of the plants."""
    found = Counter({f"{line['activity']}_reo_g": 0 for line in document["output"]})
    for line in document["output"]:
        found[f"{line['activity']}_reo_g"] += line["reo_g"]
    for line in document["flows"]:
        if line["unit"] == "reo":
            found["shipped_reo_g"] += line["shipped_g"]
            found["closing_reo_g"] += line["closing_g"]
    for line in document["coverage"]:
        found["made_g"] += line["made_g"]
        found["lawful_g"] += line["lawful_g"]
    return dict(found) | {"owed": len(document["declarations"]), "plants": len(document["plants"])}


async def proven(world: World, random: Random, number: int) -> list[str]:
    """So many of what is stored, one at random and the last, drawn up anew at their positions by the shipped code."""
    odd = []
    async with world.connection({"statement_timeout": "0", "lock_timeout": "0"}) as opened:
        rows = await opened.fetch("SELECT document FROM reports ORDER BY stored_at, level, code, month")
        for row in (random.choice(rows), rows[-1])[:number]:
            written = zlib.decompress(row["document"])
            report = TraceabilityReport.model_validate_json(written)
            if await reproduced(opened, report) != written:
                key = Key(report.scope.level, report.scope.code, report.month)
                odd.append(f"{key}: revision {report.revision} comes out otherwise when it is drawn up once more")
    return odd


def figures_of(found: Reports) -> dict[Any, Any]:
    """Of each closed month what the nation's newest report says, as the second implementation calls it."""
    figures: dict[Any, Any] = {}
    for key, nation in found.of("nation"):
        month = key.month
        figures[month] = "closed"
        for line in nation["flows"]:
            figures[month, "flow", line["plant"], line["product"], line["unit"]] = tuple(line[name] for name in LINE)
        made: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
        for line in nation["output"]:
            made[month, "output", line["plant"], line["activity"], line["product"]][0] += line["net_g"]
            made[month, "output", line["plant"], line["activity"], line["product"]][1] += line["reo_g"]
        figures |= {name: tuple(sums) for name, sums in made.items()}
        for line in nation["coverage"]:
            figures[month, "coverage", line["plant"], line["product"]] = (line["made_g"], line["lawful_g"])
        for line in nation["declarations"]:
            figures[month, "declaration", line["plant"]] = (line["status"], line["differences"] > 0)
        for line in nation["caps"]:
            if line["granted_g"] is not None or line["drawn_g"] or line["drawn_in_month_g"]:
                cap = line["granted_g"], line["drawn_g"], line["drawn_in_month_g"]
                figures[month, "cap", line["holder"], line["kind"]] = cap
    return figures
