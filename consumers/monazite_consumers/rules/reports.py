"""Reports: one document for each plant, enterprise, province and the nation, out of the same rows of a month."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from monazite_consumers.rules.month_rows import (
    FROM_THE_START,
    Amended,
    Counted,
    MonthRows,
    PlantRows,
    Since,
    enterprise_name,
    span,
)
from monazite_consumers.rules.registry import Registry
from monazite_contracts.report_lines import CapLine, ConditionLine, Difference, OpenShipmentLine, PartLine
from monazite_contracts.reports import Before, Level, Position, Scope, TraceabilityReport

NATION: Final = Scope(level="nation", code="nation", name="nation")
LINES_MAX: Final = 1_000
"""Open shipments and amendments that one document lists; their totals say how many there are."""

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "plants": ("code",),
    "caps": ("holder", "kind"),
    "output": ("plant", "activity", "product", "origin"),
    "flows": ("plant", "product", "unit"),
    "balances": ("plant", "step", "element"),
    "coverage": ("plant", "product"),
    "declarations": ("plant",),
}
"""Tables whose figures only a statement about the month, or the registry, changes; and what names a line of each.
Shipments and conditions age by themselves: they are told anew with a revision, and make none."""


class Stored(NamedTuple):
    """A report as it was stored. `message`: the newest that played a part."""

    report: TraceabilityReport
    hash: str
    message: int

    @property
    def since(self) -> Since:
        """Where it stood."""
        return Since(self.message, self.report.position.judged_at)

    @property
    def before(self) -> Before:
        """As later ones name it."""
        return Before(month=self.report.month, revision=self.report.revision, hash=self.hash)


class Basis(NamedTuple):
    """What a document of any scope is drawn up from."""

    rows: MonthRows
    registry: Registry
    position: Position
    preliminary: bool = False


def everybody(basis: Basis, reported: Iterable[tuple[Level, str]]) -> Iterator[Scope]:
    """Whom a month is reported for, and whom it was: of whom nothing is left, their last revision says so."""
    now = list(scopes(basis))
    yield from now
    gone = set(reported) - {(each.level, each.code) for each in now}
    for level, code in sorted(gone):
        yield Scope(level=level, code=code, name=_name(level, code, basis.registry))


def _name(level: Level, code: str, registry: Registry) -> str:
    if level == "plant" and code in registry.plants:
        return registry.plants[code].name
    return enterprise_name(code, registry) if level == "enterprise" else code


def scopes(basis: Basis) -> Iterator[Scope]:
    """Whom a month is reported for: every plant, whoever ran one, the groups above, their provinces, and the nation.

    A plant's rows are those of whoever ran it last: who handed it over has a report of its caps and alerts.
    """
    plants = [each.plant for each in basis.rows.plants.values()]
    yield NATION
    for province in sorted({plant.province for plant in plants}):
        yield Scope(level="province", code=province, name=province)
    enterprises = {code for plant in plants for code in _above(plant.enterprise, basis)}
    enterprises |= {code for each in basis.rows.plants.values() for code in each.owing}
    for code in sorted(enterprises | {line.holder for line in basis.rows.caps} | basis.rows.answering.keys()):
        yield Scope(level="enterprise", code=code, name=enterprise_name(code, basis.registry))
    for plant in sorted(plants, key=lambda each: each.code):
        yield Scope(level="plant", code=plant.code, name=plant.name)


def _above(enterprise: str, basis: Basis) -> tuple[str, ...]:
    return enterprise, *basis.registry.groups(enterprise, span(basis.rows.month)[1])


def _within(scope: Scope, basis: Basis) -> list[PlantRows]:
    ordered = [basis.rows.plants[code] for code in sorted(basis.rows.plants)]
    match scope.level:
        case "nation":
            return ordered
        case "province":
            return [each for each in ordered if each.plant.province == scope.code]
        case "enterprise":
            return [each for each in ordered if scope.code in _above(each.plant.enterprise, basis)]
    return [each for each in ordered if each.plant.code == scope.code]


def document(scope: Scope, basis: Basis, compared: Stored | None, told: int = 0) -> TraceabilityReport:
    """A scope's month. `compared`: the revision before, or the month before's newest.

    `told`: the highest revision that was announced, if this database has forgotten it: its number is not given again.
    """
    rows, within = basis.rows, _within(scope, basis)
    first, last = span(rows.month)
    is_revision = compared is not None and compared.report.month == rows.month
    conditions = _conditions(scope, basis, within)
    amended = _amended(basis, within, compared.since if compared is not None and is_revision else FROM_THE_START)
    listed, counted = _open_shipments(scope, basis, within)
    drawn_up = TraceabilityReport(
        type="monazite.traceability-report.v1", scope=scope, month=rows.month, from_day=f"{first}", to_day=f"{last}",
        preliminary=basis.preliminary,
        revision=1 + max(told, compared.report.revision if compared is not None and is_revision else 0),
        position=basis.position, simulated=basis.registry.simulated,
        compared_with=compared.before if compared is not None else None,
        plants=tuple(each.plant for each in within), parts=tuple(_parts(scope, within)), caps=_caps(scope, basis),
        output=tuple(line for each in within for line in each.output),
        flows=tuple(line for each in within for line in each.flows),
        balances=tuple(line for each in within for line in each.balances),
        coverage=tuple(line for each in within for line in each.coverage),
        shipments=tuple(line for each in within for line in each.shipments),
        open_shipments=listed, open_shipments_total=counted.open, overdue_shipments_total=counted.overdue,
        declarations=tuple(line for each in within for line in each.declarations), conditions=conditions,
        cleared=_cleared(rows.held, compared), amendments=tuple(amended.lines),
        amendments_total=amended.total, differences=(),
    )  # fmt: skip
    if compared is None or not is_revision:
        return drawn_up
    return drawn_up.model_copy(update={"differences": tuple(differences(compared.report, drawn_up))})


def _amended(basis: Basis, within: Iterable[PlantRows], since: Since) -> Amended:
    of_plants = basis.rows.amended[since]
    found = [of_plants[each.plant.code] for each in within if each.plant.code in of_plants]
    lines = [line for each in found for line in each.lines]
    lines.sort(key=lambda line: (line.arrived_at, line.plant, line.event, line.kind), reverse=True)
    return Amended(lines[:LINES_MAX], sum(each.total for each in found))


def _conditions(scope: Scope, basis: Basis, within: Iterable[PlantRows]) -> tuple[ConditionLine, ...]:
    found = [line for each in within for line in each.conditions]
    if scope.level in {"nation", "enterprise"}:
        found += [
            line
            for code, lines in basis.rows.answering.items()
            if scope.level == "nation" or scope.code in _above(code, basis)
            for line in lines
        ]
    return tuple(sorted(found, key=lambda line: (line.rule, line.subject, line.period)))


def _cleared(held: frozenset[str], compared: Stored | None) -> tuple[ConditionLine, ...]:
    """What a plant takes along to another enterprise or province is listed there, and holds."""
    return tuple(line for line in compared.report.conditions if line.alert not in held) if compared else ()


def _caps(scope: Scope, basis: Basis) -> tuple[CapLine, ...]:
    if scope.level == "nation":
        return tuple(basis.rows.caps)
    if scope.level == "enterprise":
        return tuple(line for line in basis.rows.caps if scope.code in _above(line.holder, basis))
    return ()


def _open_shipments(
    scope: Scope, basis: Basis, within: Iterable[PlantRows]
) -> tuple[tuple[OpenShipmentLine, ...], Counted]:
    codes = {each.plant.code for each in within}
    everybody = scope.level == "nation"
    every = basis.rows.open_shipments
    found = (x for x in every if everybody or x.consignor in codes or x.consignee in codes)
    listed = tuple(OpenShipmentLine.model_validate(each._asdict()) for each in islice(found, LINES_MAX))
    pairs = basis.rows.open_pairs.items()
    mine = [counted for pair, counted in pairs if everybody or not codes.isdisjoint(pair)]
    return listed, Counted(sum(each.open for each in mine), sum(each.overdue for each in mine))


def _parts(scope: Scope, within: Sequence[PlantRows]) -> Iterator[PartLine]:
    if scope.level == "nation":
        yield from _parts_of("province", within)
    if scope.level in {"nation", "province"}:
        yield from _parts_of("enterprise", within)


def _parts_of(level: str, within: Sequence[PlantRows]) -> Iterator[PartLine]:
    groups: dict[tuple[str, str], list[PlantRows]] = {}
    for each in within:
        key = getattr(each.plant, level), getattr(each.plant, f"{level}_name")
        groups.setdefault(key, []).append(each)
    for (code, name), plants in sorted(groups.items()):
        yield PartLine.model_validate({"level": level, "code": code, "name": name, **totals(plants)})


def totals(plants: Sequence[PlantRows]) -> dict[str, int]:
    """What some plants add up to."""
    made = {f"{activity}_reo_g": 0 for activity in ("mined", "separated", "smelted", "recovered")}
    for line in (line for each in plants for line in each.output):
        made[f"{line.activity}_reo_g"] += line.reo_g
    reo = [line for each in plants for line in each.flows if line.unit == "reo"]
    declarations = [line for each in plants for line in each.declarations]
    coverage = [line for each in plants for line in each.coverage]
    return {
        "plants": len(plants),
        **made,
        "shipped_reo_g": sum(line.shipped_g for line in reo),
        "closing_reo_g": sum(line.closing_g for line in reo),
        "made_g": sum(line.made_g for line in coverage),
        "lawful_g": sum(line.lawful_g for line in coverage),
        "owed": len(declarations),
        "filed": sum(line.filed_at is not None for line in declarations),
        "conditions": sum(len(each.conditions) for each in plants),
    }


def differences(before: TraceabilityReport, after: TraceabilityReport) -> Iterator[Difference]:
    """Figure by figure, what one revision states otherwise than the one before. Names are no figures.

    Of a line that only one of them has, what is nothing is not told: it was nothing without the line.
    """
    for table, keys in _KEYS.items():
        old, new = _lines(before, table, keys), _lines(after, table, keys)
        for key in sorted({*old, *new}):
            was, now = old.get(key, {}), new.get(key, {})
            for figure in sorted({*was, *now}):
                old_one, new_one = was.get(figure), now.get(figure)
                if old_one != new_one and (old_one or new_one or (was and now)):
                    yield Difference(topic=table, of=" / ".join(key), figure=figure, before=old_one, after=new_one)


def _lines(report: TraceabilityReport, table: str, keys: tuple[str, ...]) -> dict[tuple[str, ...], dict[str, Any]]:
    lines = [line.model_dump(mode="json") for line in getattr(report, table)]
    return {tuple(line[key] for key in keys): dict(_figures(line, keys)) for line in lines}


def _figures(line: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, figure in line.items():
        if isinstance(figure, list):  # what a declaration says otherwise than the events: figures by their place in it
            for each in figure:
                place = f"{each['product']} {each['column']}"
                yield f"{place} declared_g", each["declared_g"]
                yield f"{place} computed_g", each["computed_g"]
        elif name not in keys and "name" not in name:
            yield name, figure
