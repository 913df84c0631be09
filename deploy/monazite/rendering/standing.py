"""What stands open or was settled: shipments, declarations, conditions, amendments, differences; and the position."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from monazite.rendering.naming import Names, product
from monazite.rendering.tables import PRODUCT, Column, Figure, Kind, Named, Rows, Table, mass
from monazite_contracts.report_lines import ConditionLine
from monazite_contracts.reports import TraceabilityReport


def shipments(report: TraceabilityReport, names: Names) -> Table:
    columns = (Column("plant", Kind.NAMED), Column("state"), Column("shipments", Kind.COUNT), mass("net", PRODUCT))
    rows: Rows = tuple((names.plant(s.plant), s.state, s.shipments, s.net_g) for s in report.shipments)
    says = "Dispatched in the month, by how they stand."
    return Table("shipments", "Shipments", "发运情况", says, "Nothing was dispatched.", columns, rows)


def open_shipments(report: TraceabilityReport, names: Names) -> Table:
    columns = (
        Column("shipment"),
        Column("consignor", Kind.NAMED),
        Column("consignee", Kind.NAMED),
        Column("state"),
        Column("who acts next", Kind.NAMED),
        Column("due", Kind.INSTANT),
        Column("dispatched", Kind.INSTANT),
        mass("net", PRODUCT),
    )
    rows: Rows = tuple(
        (
            s.shipment, names.plant(s.consignor), names.either(s.consignee), s.state, names.either(s.actor),
            s.due_at, s.dispatched_at, s.net_g,
        )
        for s in report.open_shipments
    )  # fmt: skip
    listed, every = len(rows), report.open_shipments_total
    says = "Somebody must still act on these; overdue ones first." + cut(listed, every)
    return Table("open-shipments", "Open custody", "在途未结", says, "Nobody owes an answer.", columns, rows)


def declarations(report: TraceabilityReport, names: Names) -> Table:
    columns = (
        Column("plant", Kind.NAMED),
        Column("enterprise", Kind.NAMED),
        Column("status"),
        Column("deadline", Kind.DEADLINE),
        Column("filed", Kind.INSTANT),
        Column("differences", Kind.COUNT),
    )
    rows: Rows = tuple(
        (names.plant(d.plant), names.holder(d.enterprise), d.status, d.deadline, d.filed_at, d.differences)
        for d in report.declarations
    )
    says = (
        "What was owed for the month. Differences: lines on which a declaration disagrees with the plant's own events."
    )
    return Table("declarations", "Declarations", "申报情况", says, "Nobody owed a declaration.", columns, rows)


def differing(report: TraceabilityReport, names: Names) -> Table:
    columns = (
        Column("plant", Kind.NAMED), Column("product", Kind.NAMED), Column("figure"),
        mass("declared", PRODUCT), mass("by events", PRODUCT), mass("difference", PRODUCT),
    )  # fmt: skip
    rows: Rows = tuple(
        (
            names.plant(d.plant), product(line.product), line.column, line.declared_g, line.computed_g,
            line.declared_g - line.computed_g,
        )
        for d in report.declarations
        for line in d.differing
    )  # fmt: skip
    says = "Figures of declarations that disagree with the plant's own events beyond the tolerance."
    says += cut(len(rows), sum(d.differences for d in report.declarations))
    return Table("differing", "Declared and by events", "申报与事件差异", says, "None.", columns, rows)


def conditions(report: TraceabilityReport, _names: Names) -> Table:
    says = "Alerts that hold: about the month, and about earlier ones that are still open."
    rows = _condition_rows(report.conditions)
    return Table("conditions", "Conditions that hold", "未消除的异常", says, "None holds.", _CONDITION_COLUMNS, rows)


def cleared(report: TraceabilityReport, _names: Names) -> Table:
    says = "Alerts that the report before listed and that hold no longer."
    rows = _condition_rows(report.cleared)
    return Table("cleared", "Conditions cleared", "已消除的异常", says, "None was cleared.", _CONDITION_COLUMNS, rows)


_CONDITION_COLUMNS: Final = (
    Column("severity"),
    Column("rule"),
    Column("subject", weight=2),
    Column("period"),
    Column("what was found", Kind.TEXT, weight=5),
    Column("legal basis", Kind.TEXT, weight=2),
    Column("alert", weight=2),
)
_GRAVITY: Final = ("critical", "serious", "warning", "information")


def gravity(severity: str) -> int:
    """The place of a severity in a list, gravest first."""
    return _GRAVITY.index(severity) if severity in _GRAVITY else len(_GRAVITY)


def _condition_rows(lines: Iterable[ConditionLine]) -> Rows:
    gravest_first = sorted(lines, key=lambda line: gravity(line.severity))
    return tuple((c.severity, c.rule, c.subject, c.period, c.summary, c.basis, c.alert) for c in gravest_first)


def amendments(report: TraceabilityReport, names: Names) -> Table:
    columns = (
        Column("plant", Kind.NAMED),
        Column("kind"),
        Column("statement amended", weight=2),
        Column("arrived", Kind.INSTANT),
        Column("reason", Kind.TEXT, weight=4),
    )
    rows: Rows = tuple((names.plant(a.plant), a.kind, a.event, a.arrived_at, a.reason) for a in report.amendments)
    says = "Applied since the revision before." + cut(len(rows), report.amendments_total)
    return Table("amendments", "Corrections, voids and assays", "更正与作废", says, "None.", columns, rows)


def differences(report: TraceabilityReport, _names: Names) -> Table:
    columns = (
        Column("table"),
        Column("line", Kind.TEXT, weight=3),
        Column("figure"),
        Column("before", Kind.FIGURE, "t, %, Asia/Shanghai"),
        Column("after", Kind.FIGURE, "t, %, Asia/Shanghai"),
    )
    rows: Rows = tuple(
        (d.topic, d.of, _word(d.figure), _figure(d.figure, d.before), _figure(d.figure, d.after))
        for d in report.differences
    )
    says = "What the revision before stated otherwise. Nothing on a side: that revision has no such line."
    empty = "None." if report.revision > 1 else "This is the first revision."
    return Table("differences", "Differences to the revision before", "与上一版差异", says, empty, columns, rows)


def _word(figure: str) -> str:
    return figure.removesuffix("_g").removesuffix("_ppm").replace("_", " ")


def _figure(figure: str, value: int | str | None) -> Figure:
    if isinstance(value, int):
        kind = Kind.MASS if figure.endswith(("_g", "_g_per_day")) else Kind.SHARE if figure.endswith("_ppm") else None
        return Figure(kind or Kind.COUNT, value)
    if value is not None and (figure == "deadline" or figure.endswith("_at")):
        return Figure(Kind.DEADLINE if figure == "deadline" else Kind.INSTANT, datetime.fromisoformat(value))
    return Figure(Kind.TEXT, value)


def plants(report: TraceabilityReport, _names: Names) -> Table:
    columns = (Column("plant", Kind.NAMED), Column("enterprise", Kind.NAMED), Column("province", Kind.NAMED))
    rows: Rows = tuple(
        (Named(p.code, p.name), Named(p.enterprise, p.enterprise_name), Named(p.province, p.province_name))
        for p in report.plants
    )
    says = "Of the scope in this month, with who ran each on the last day on which somebody did."
    return Table("plants", "Plants", "工厂名录", says, "No plant belonged to the scope.", columns, rows)


def partitions(report: TraceabilityReport, _names: Names) -> Table:
    columns = (Column("topic"), *(Column(t, Kind.COUNT) for t in ("partition", "log generation", "next offset")))
    rows: Rows = tuple((p.topic, p.partition, p.generation, p.next_offset) for p in report.position.partitions)
    says = "How far each partition had been decided: the first offset that played no part."
    return Table("position", "Position", "数据位置", says, "Nothing had been read.", columns, rows)


def cut(listed: int, every: int) -> str:
    """Says that lines were left out; nothing where none were."""
    return f" The first {listed:,} of {every:,} are listed." if every > listed else ""
