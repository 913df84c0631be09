"""Every line of a report as tables, one per topic: CSV, XLSX and HTML hold them in full, the PDF in its annex."""

from collections.abc import Callable
from typing import Final

from monazite.rendering import standing
from monazite.rendering.figures import share_ppm
from monazite.rendering.naming import Names, cap_kind, names_in, product
from monazite.rendering.tables import PRODUCT, REO, Column, Kind, Named, Rows, Table, mass, summed
from monazite_contracts.report_lines import FlowLine
from monazite_contracts.reports import TraceabilityReport

FLOWS: Final = ("opening", "in", "made", "used", "shipped", "lost", "closing")


def flow_masses(line: FlowLine) -> tuple[int, ...]:
    """The figures of a flow in the order of `FLOWS`."""
    return (line.opening_g, line.in_g, line.made_g, line.used_g, line.shipped_g, line.lost_g, line.closing_g)


def tables(report: TraceabilityReport) -> tuple[Table, ...]:
    """All topics, in the order of the document."""
    names = names_in(report)
    return tuple(table(report, names) for table in _TOPICS)


def _provinces(report: TraceabilityReport, _names: Names) -> Table:
    return _parts(report, ("provinces", "Provinces", "各省"))


def _enterprises(report: TraceabilityReport, _names: Names) -> Table:
    return _parts(report, ("enterprises", "Enterprises", "各企业"))


def _parts(report: TraceabilityReport, named: tuple[str, str, str]) -> Table:
    topic, title, title_zh = named
    columns = (
        Column(topic.removesuffix("s"), Kind.NAMED),
        Column("plants", Kind.COUNT),
        *(mass(word) for word in ("mined", "separated", "smelted", "recovered", "shipped", "closing")),
        Column("lawful", Kind.SHARE),
        *(Column(word, Kind.COUNT) for word in ("owed", "filed", "alerts")),
    )
    rows: Rows = tuple(
        (
            Named(p.code, p.name), p.plants,
            p.mined_reo_g, p.separated_reo_g, p.smelted_reo_g, p.recovered_reo_g, p.shipped_reo_g, p.closing_reo_g,
            share_ppm(p.lawful_g, p.made_g), p.owed, p.filed, p.conditions,
        )
        for p in report.parts
        if f"{p.level}s" == topic
    )  # fmt: skip
    says = "What each adds to the whole. Lawful: the share of what was made whose chain is unbroken and lawful."
    total = summed(columns, rows) if rows else None
    return Table(topic, title, title_zh, says, "The scope has no such parts.", columns, rows, total)


def _caps(report: TraceabilityReport, _names: Names) -> Table:
    columns = (
        Column("holder", Kind.NAMED),
        Column("of group"),
        Column("cap"),
        mass("granted"),
        mass("drawn"),
        mass("headroom"),
        Column("drawn of granted", Kind.SHARE),
        mass("drawn in month"),
        mass("rate per day"),
        mass("projected at year end"),
        mass("highest overrun"),
    )
    rows: Rows = tuple(
        (
            Named(c.holder, c.name), c.group, cap_kind(c.kind), c.granted_g, c.drawn_g,
            c.headroom_g,
            None if c.granted_g is None else share_ppm(c.drawn_g, c.granted_g),
            c.drawn_in_month_g, c.rate_g_per_day, c.projected_g, c.overrun_then_g,
        )
        for c in report.caps
    )  # fmt: skip
    says = (
        "Drawn from the year's first day to the month's last. A group's line includes its members. "
        "Nothing under granted: not yet issued. Highest overrun: on any day of the year, over what was issued by then."
    )
    empty = "No caps in this scope: they go to the nation and to their holders."
    return Table("caps", "Production against caps", "总量控制指标", says, empty, columns, rows)


def _output(report: TraceabilityReport, names: Names) -> Table:
    columns = (
        Column("plant", Kind.NAMED),
        Column("activity"),
        Column("product", Kind.NAMED),
        Column("origin of feed"),
        mass("net", PRODUCT),
        mass("oxide equivalent"),
    )
    rows: Rows = tuple(
        (names.plant(o.plant), o.activity, product(o.product), o.origin, o.net_g, o.reo_g) for o in report.output
    )
    says = "What was made in the month. Lots of mixed origin are split by mass share."
    return Table("output", "Output by origin of feed", "产量及原料来源", says, "Nothing was made.", columns, rows)


def _flows_reo(report: TraceabilityReport, names: Names) -> Table:
    return _flows(report, names, ("flows-reo", "Flows, oxide equivalent", "流向与库存(折氧化物)", REO))


def _flows_product(report: TraceabilityReport, names: Names) -> Table:
    return _flows(report, names, ("flows-product", "Flows, product", "流向与库存(实物量)", PRODUCT))


def _flows(report: TraceabilityReport, names: Names, named: tuple[str, str, str, str]) -> Table:
    topic, title, title_zh, unit = named
    columns = (Column("plant", Kind.NAMED), Column("product", Kind.NAMED), *(mass(word, unit) for word in FLOWS))
    rows: Rows = tuple(
        (names.plant(f.plant), product(f.product), *flow_masses(f))
        for f in report.flows
        if (f.unit == "reo") == (unit == REO)
    )
    says = "Opening + in + made - used - shipped - lost = closing. What moves between plants is shipped and in."
    return Table(topic, title, title_zh, says, "Nothing moved and nothing was held.", columns, rows)


def _balances(report: TraceabilityReport, names: Names) -> Table:
    columns = (
        Column("plant", Kind.NAMED),
        Column("step"),
        Column("element"),
        mass("used"),
        mass("made"),
        mass("difference"),
        mass("uncertainty (1 sd)"),
        Column("recovery", Kind.SHARE),
        Column("band from", Kind.SHARE),
        Column("band to", Kind.SHARE),
    )
    rows: Rows = tuple(
        (
            names.plant(b.plant), b.step, b.element, b.used_g, b.made_g, b.used_g - b.made_g, b.uncertainty_g,
            b.recovery_ppm, b.low_ppm, b.high_ppm,
        )
        for b in report.balances
    )  # fmt: skip
    says = "Feed against product of each process step, as oxide. Uncertainty: one standard deviation, from the assays."
    return Table("balances", "Balances", "物料平衡", says, "No process step ran.", columns, rows)


def _coverage(report: TraceabilityReport, names: Names) -> Table:
    columns = (
        Column("plant", Kind.NAMED),
        Column("product", Kind.NAMED),
        mass("made", PRODUCT),
        mass("of lawful chain", PRODUCT),
        Column("share", Kind.SHARE),
    )
    rows: Rows = tuple(
        (names.plant(c.plant), product(c.product), c.made_g, c.lawful_g, share_ppm(c.lawful_g, c.made_g))
        for c in report.coverage
    )
    says = "The share of output whose chain back to a mine, an import or scrap is unbroken and lawful."
    return Table("coverage", "Coverage", "溯源覆盖率", says, "Nothing was made.", columns, rows)


_TOPICS: Final[tuple[Callable[[TraceabilityReport, Names], Table], ...]] = (
    _provinces, _enterprises, _caps, _output, _flows_reo, _flows_product, _balances, _coverage,
    standing.shipments, standing.open_shipments, standing.declarations, standing.differing,
    standing.conditions, standing.cleared, standing.amendments, standing.differences, standing.plants,
    standing.partitions,
)  # fmt: skip
