"""Writes the allocations that ship, one file a batch, from the published figures, after checking that they add up.

Usage: python scripts/make_allocations.py [--check]
"""

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

SHIPPED: Final = Path(__file__).parents[1] / "deploy" / "registry"
KINDS: Final = ("mining_rock", "mining_ionic", "separation")
MINING_TOTAL: Final = "mining_total"
MUST_BE_PUBLISHED: Final = (MINING_TOTAL, "separation")
"""Kinds whose national total stands in every notice; the split of mining does not."""

Row = Mapping[str, str]


class DoesNotAddUpError(Exception):
    """The published figures do not add up: nothing is written."""


def sums(rows: Sequence[Row]) -> Mapping[tuple[str, str, str], int]:
    """Tonnes by (year, batch, kind), with the year's sum as batch `annual` and both mining kinds as `mining_total`."""
    found: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in rows:
        kinds = (row["kind"], MINING_TOTAL) if row["kind"].startswith("mining") else (row["kind"],)
        for batch in (row["batch"], "annual"):
            for kind in kinds:
                found[row["year"], batch, kind] += int(row["tonnes_reo"])
    return found


def differences(allocations: Sequence[Row], totals: Sequence[Row]) -> Iterator[str]:
    """Every way in which the batches disagree with the national totals, as sentences."""
    found = sums(allocations)
    published = {(row["year"], row["batch"], row["kind"]): int(row["tonnes_reo"]) for row in totals}
    years = {row["year"] for row in allocations}
    for (year, batch, kind), tonnes in sorted(published.items()):
        if year in years and found.get((year, batch, kind), 0) != tonnes:
            found_t = found.get((year, batch, kind), 0)
            yield f"{year} batch {batch}, {kind}: holders add up to {found_t} t, {tonnes} t were published"
    for year, batch in sorted({(year, batch) for year, batch, _ in found}):
        for kind in MUST_BE_PUBLISHED:
            if (year, batch, kind) not in published:
                yield f"{year} batch {batch}, {kind}: no published national total to check against"
    for row in allocations:
        if row["kind"] not in KINDS:
            yield f"{row['year']} batch {row['batch']}: {row['kind']} is no kind of cap"


def batch_file(rows: Sequence[Row], codes: Mapping[str, str]) -> str:
    """One batch as a registry file."""
    first = rows[0]
    lines = [
        "# Made by scripts/make_allocations.py from source/allocations.csv: change that and run it again.",
        f"# {first['year']}, batch {first['batch']}: {first['decision']}, issued on {first['issued_on']}.",
    ]
    tonnes = {kind: sum(int(row["tonnes_reo"]) for row in rows if row["kind"] == kind) for kind in KINDS}
    lines += [
        "# National totals, which these rows add up to (t REO): "
        + ", ".join(f"{k} {t}" for k, t in tonnes.items())
        + ".",
        "",
        "allocations:",
    ]
    for row in rows:
        lines += [
            f"  - decision: {_text(row['decision'])}",
            f"    batch: {_text(row['batch'])}",
            "    form: grant",
            f"    year: {int(row['year'])}",
            f"    holder: {codes[row['holder']]}",
            f"    kind: {row['kind']}",
            f"    issued_on: {row['issued_on']}",
            f"    issued_on_evidence: {_text(row['issued_on_evidence'])}",
            f"    tonnes_reo: {int(row['tonnes_reo'])}",
            f"    evidence: {_text(row['evidence'])}",
        ]
    return "\n".join(lines) + "\n"


def make(shipped: Path = SHIPPED) -> Mapping[str, str]:
    """File name → text of every batch.

    Raises:
        DoesNotAddUpError: with every difference found.
    """
    allocations, totals = _rows(shipped, "allocations"), _rows(shipped, "quota_totals")
    if found := list(differences(allocations, totals)):
        raise DoesNotAddUpError("\n".join(found))
    holders = yaml.safe_load((shipped / "holders.yaml").read_text(encoding="utf-8"))["enterprises"]
    codes = {holder["name"]: holder["code"] for holder in holders}
    if unknown := sorted({row["holder"] for row in allocations} - codes.keys()):
        raise DoesNotAddUpError(f"holders.yaml names no enterprise for: {', '.join(unknown)}")
    batches: dict[str, list[Row]] = defaultdict(list)
    for row in allocations:
        batches[f"{row['year']}-{row['batch']}.yaml"].append(row)
    return {name: batch_file(rows, codes) for name, rows in batches.items()}


def main(arguments: Sequence[str]) -> int:
    """Writes the files; with `--check` only says whether they are current."""
    made = make()
    if "--check" in arguments:
        stale = [name for name, text in made.items() if not _is(SHIPPED / name, text)]
        print(f"not current: {', '.join(stale)}" if stale else "allocations are current")
        return 1 if stale else 0
    for name, text in made.items():
        (SHIPPED / name).write_text(text, encoding="utf-8")
        print(f"wrote {name}")
    return 0


def _rows(shipped: Path, name: str) -> Sequence[Row]:
    with (shipped / "source" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # a JSON string is a YAML string


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
