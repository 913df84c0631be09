"""What the PDF tells before its annex: the same rows, summed by product, origin, enterprise and rule."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from monazite.rendering import standing, topics
from monazite.rendering.figures import share_ppm
from monazite.rendering.headline import ACTIVITIES, OPEN
from monazite.rendering.naming import names_in, product
from monazite.rendering.standing import gravity
from monazite.rendering.tables import PRODUCT, Column, Kind, Named, Rows, Table, mass, summed
from monazite_contracts.reports import TraceabilityReport

Key = tuple[str, ...]
LISTED_MAX: Final = 40
"""Of what is urgent, two pages; the annex and the other files have every line."""


def _sums(lines: Iterable[tuple[Key, tuple[int, ...]]]) -> list[tuple[Key, tuple[int, ...]]]:
    """The lines of one key added up, by key."""
    found: dict[Key, tuple[int, ...]] = {}
    for key, masses in lines:
        found[key] = tuple(a + b for a, b in zip(found[key], masses, strict=True)) if key in found else masses
    return sorted(found.items())


def output(report: TraceabilityReport) -> Table:
    """What was made, by activity and origin of feed (R4)."""
    columns = (Column("activity"), Column("origin of feed"), mass("net", PRODUCT), mass("oxide equivalent"))
    lines = _sums(((o.activity, o.origin), (o.net_g, o.reo_g)) for o in report.output)
    lines.sort(key=lambda line: ACTIVITIES.index(line[0][0]) if line[0][0] in ACTIVITIES else len(ACTIVITIES))
    rows: Rows = tuple((*key, *masses) for key, masses in lines)
    says = "All plants of the scope. One tonne that is mined, separated and smelted stands in each activity."
    return Table("output", "Output by origin of feed", "产量及原料来源", says, "Nothing was made.", columns, rows)


def products(report: TraceabilityReport) -> Table:
    """What was made, by product."""
    columns = (Column("product", Kind.NAMED), Column("activity"), mass("net", PRODUCT), mass("oxide equivalent"))
    lines = _sums(((o.product, o.activity), (o.net_g, o.reo_g)) for o in report.output)
    rows: Rows = tuple((product(key[0]), key[1], *masses) for key, masses in lines)
    return Table(
        "products", "Output by product", "分产品产量", "All plants of the scope.", "Nothing was made.", columns, rows
    )


def flows(report: TraceabilityReport) -> Table:
    """Oxide equivalent by product."""
    columns = (Column("product", Kind.NAMED), *(mass(word) for word in topics.FLOWS))
    lines = _sums(((f.product,), topics.flow_masses(f)) for f in report.flows if f.unit == "reo")
    rows: Rows = tuple((product(key[0]), *masses) for key, masses in lines)
    says = (
        "Opening + in + made - used - shipped - lost = closing, all plants added up: "
        "what moves between two of them is shipped by one and in at the other."
    )
    empty = "Nothing moved and nothing was held."
    total = summed(columns, rows) if rows else None
    return Table("flows", "Flows, oxide equivalent", "流向与库存(折氧化物)", says, empty, columns, rows, total)


def balances(report: TraceabilityReport) -> Table:
    """Feed against product by step, for REO."""
    columns = (
        Column("step"), mass("used"), mass("made"), mass("difference"), Column("recovery", Kind.SHARE),
        Column("steps", Kind.COUNT), Column("outside their band", Kind.COUNT),
    )  # fmt: skip
    lines = _sums(
        ((b.step,), (b.used_g, b.made_g, 1, _outside(b.recovery_ppm, b.low_ppm, b.high_ppm)))
        for b in report.balances
        if b.element == "REO"
    )
    rows: Rows = tuple(
        (key[0], used_g, made_g, used_g - made_g, share_ppm(made_g, used_g), count, outside)
        for key, (used_g, made_g, count, outside) in lines
    )
    says = "Of all plants, as oxide; elements stand in the detail."
    return Table("balances", "Balances", "物料平衡", says, "No process step ran.", columns, rows)


def _outside(recovery_ppm: int | None, low_ppm: int | None, high_ppm: int | None) -> int:
    if recovery_ppm is None:
        return 0
    low = low_ppm is not None and recovery_ppm < low_ppm
    return int(low or (high_ppm is not None and recovery_ppm > high_ppm))


def coverage(report: TraceabilityReport) -> Table:
    """By product."""
    columns = (
        Column("product", Kind.NAMED), mass("made", PRODUCT), mass("of lawful chain", PRODUCT),
        Column("share", Kind.SHARE),
    )  # fmt: skip
    lines = _sums(((c.product,), (c.made_g, c.lawful_g)) for c in report.coverage)
    rows: Rows = tuple(
        (product(key[0]), made_g, lawful_g, share_ppm(lawful_g, made_g)) for key, (made_g, lawful_g) in lines
    )
    says = "The share of output whose chain back to a mine, an import or scrap is unbroken and lawful."
    return Table("coverage", "Coverage", "溯源覆盖率", says, "Nothing was made.", columns, rows)


def shipments(report: TraceabilityReport) -> Table:
    """By state."""
    columns = (Column("state"), Column("shipments", Kind.COUNT), mass("net", PRODUCT))
    lines = _sums(((s.state,), (s.shipments, s.net_g)) for s in report.shipments)
    rows: Rows = tuple((key[0], *masses) for key, masses in lines)
    total = summed(columns, rows) if rows else None
    says = "Dispatched in the month, by how they stand."
    return Table("shipments", "Shipments", "发运情况", says, "Nothing was dispatched.", columns, rows, total)


def declarations(report: TraceabilityReport) -> Table:
    """By enterprise, and by status."""
    words = ("filed", "missing", "still awaited", "excused", "with differences")
    columns = (Column("enterprise", Kind.NAMED), *(Column(word, Kind.COUNT) for word in ("plants", *words)))
    names = names_in(report)
    lines = _sums(
        (
            (d.enterprise,),
            (1, d.filed_at is not None, d.status == "missing", d.status in OPEN, d.status == "excused",
             d.differences > 0),
        )
        for d in report.declarations
    )  # fmt: skip
    rows: Rows = tuple((names.holder(key[0]), *map(int, counts)) for key, counts in lines)
    total = summed(columns, rows) if rows else None
    says = "What was owed for the month."
    return Table("declarations", "Declarations", "申报情况", says, "Nobody owed a declaration.", columns, rows, total)


def unfiled(report: TraceabilityReport) -> Table:
    """The declarations that somebody must ask about."""
    every = standing.declarations(report, names_in(report))
    rows = tuple(
        row
        for row, line in zip(every.rows, report.declarations, strict=True)
        if line.status in {"missing", "late"} or line.differences
    )
    says = "Missing, late, or at odds with the plant's own events."
    return Table("unfiled", "Declarations to ask about", "需核查的申报", says, "None.", every.columns, rows)


def rules(report: TraceabilityReport) -> Table:
    """Conditions that hold, by rule."""
    columns = (
        Column("severity"),
        Column("rule"),
        Column("hold", Kind.COUNT),
        Column("legal basis", Kind.TEXT, weight=4),
    )
    found: dict[tuple[int, str, str, str], int] = defaultdict(int)
    for line in report.conditions:
        found[gravity(line.severity), line.severity, line.rule, line.basis] += 1
    rows: Rows = tuple(
        (severity, rule, found[_, severity, rule, basis], basis) for _, severity, rule, basis in sorted(found)
    )
    says = "Alerts that hold, gravest first: about the month, and about earlier ones that are still open."
    return Table("rules", "Conditions by rule", "异常汇总", says, "None holds.", columns, rows)


def gravest(report: TraceabilityReport) -> Table:
    """The conditions that nobody may sign away unread."""
    every = standing.conditions(report, names_in(report))
    rows = tuple(row for row in every.rows if row[0] in {"critical", "serious"})
    says = "Critical and serious ones." + standing.cut(len(rows[:LISTED_MAX]), len(rows))
    return Table("gravest", "Gravest conditions", "严重异常", says, "None.", every.columns, rows[:LISTED_MAX])


def overdue(report: TraceabilityReport) -> Table:
    """Shipments that somebody should have answered."""
    every = standing.open_shipments(report, names_in(report))
    judged_at = report.position.judged_at
    rows = tuple(
        row
        for row, line in zip(every.rows, report.open_shipments, strict=True)
        if line.due_at is not None and line.due_at <= judged_at
    )
    says = "Of the open ones, those whose time is over." + standing.cut(
        len(rows[:LISTED_MAX]), report.overdue_shipments_total
    )
    return Table("overdue", "Overdue shipments", "逾期未结发运", says, "None.", every.columns, rows[:LISTED_MAX])


def plants(report: TraceabilityReport) -> Table:
    """One line a plant: the annex of a nation."""
    columns = (
        Column("plant", Kind.NAMED), Column("enterprise"), Column("province"),
        *(mass(word) for word in (*ACTIVITIES, "closing")),
        Column("lawful", Kind.SHARE), Column("declaration"), Column("alerts", Kind.COUNT),
    )  # fmt: skip
    made = dict(_sums(((o.plant, o.activity), (o.reo_g,)) for o in report.output))
    closing = dict(_sums(((f.plant,), (f.closing_g,)) for f in report.flows if f.unit == "reo"))
    lawful = dict(_sums(((c.plant,), (c.lawful_g, c.made_g)) for c in report.coverage))
    status = {d.plant: d.status for d in report.declarations}
    alerts = dict(_sums(((c.subject.partition("/")[0],), (1,)) for c in report.conditions))
    rows: Rows = tuple(
        (
            Named(p.code, p.name), p.enterprise, p.province_name,
            *(made.get((p.code, activity), (0,))[0] for activity in ACTIVITIES),
            closing.get((p.code,), (0,))[0],
            share_ppm(*lawful.get((p.code,), (0, 0))),
            status.get(p.code, ""), alerts.get((p.code,), (0,))[0],
        )
        for p in report.plants
    )  # fmt: skip
    says = "One line a plant. Alerts: those about the plant and its gateways."
    return Table("plants", "Plants", "工厂一览", says, "No plant belonged to the scope.", columns, rows)


ORDER: Final = (
    output, products, flows, balances, coverage, shipments, overdue, declarations, unfiled, rules, gravest
)  # fmt: skip
