"""The PDF that an official signs: typeset by typst from report.typ, with the font in the file and no clock in it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final

import typst

from monazite.rendering import charts, sankey, summaries, topics
from monazite.rendering.drawing import PAPER, across, fitted, styled
from monazite.rendering.figures import ZONE, deadline, decimals, minute, seen
from monazite.rendering.glyphs import FAMILY, breakable, folder, lettered
from monazite.rendering.headline import ACTIVITIES, SEVERITIES, SUMMED, CapTotal, Headline, headline, overruns
from monazite.rendering.identity import TITLE, TITLE_ZH, banners, identity, name_of
from monazite.rendering.tables import Cell, Column, Figure, Kind, Named, Table
from monazite_contracts.quantities import percent
from monazite_contracts.reports import TraceabilityReport

LINES_MAX: Final = 250
"""A longer table fills more than ten pages that nobody reads on paper: XLSX and CSV hold it, and the PDF says so."""
RUNNING: Final = 40
"""Chinese letters of a scope's name at the top of each page."""
SHORT: Final = 16
"""Letters of a word that never needs to be broken."""
PARTS: Final = ("provinces", "enterprises")
"""Topics that only the scopes above have."""
SHORT_NAME: Final = 46
"""Widths of a half letter that a name may take without being broken."""
_NUMBERS: Final = frozenset({Kind.MASS, Kind.SHARE, Kind.COUNT, Kind.FIGURE})
_WIDTHS: Final = {Kind.TEXT: 3, Kind.NAMED: 2, Kind.CODE: 1}


def render(report: TraceabilityReport) -> bytes:
    """The PDF's bytes."""
    text = lettered(json.dumps(document(report), ensure_ascii=False))
    template = files("monazite.rendering").joinpath("report.typ").read_bytes()
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder())])
    compiler = typst.Compiler(template, font_paths=fonts, sys_inputs={"report": text})
    typeset = compiler.compile(format="pdf", timestamp=int(report.position.judged_at.timestamp()))
    assert isinstance(typeset, bytes)  # noqa: S101 - a PDF is one file; only pictures come as a list
    return typeset


def document(report: TraceabilityReport) -> dict[str, Any]:
    """All that the template sets, as texts: the template adds nothing up, and reads no text as markup."""
    head = headline(report)
    facts = dict(identity(report))
    body, annex = _sections(report)
    drawings = (
        ("Production against caps", "总量控制指标", charts.caps(report)),
        ("Production by part", "分地区产量", charts.parts(report)),
        ("Flows of the month", "本月流向", sankey.flows(report)),
    )
    return {
        "font": FAMILY,
        "title": TITLE,
        "title_zh": TITLE_ZH,
        "scope": breakable(seen(name_of(report))),
        "running": f"{TITLE}, {report.month}, {fitted(seen(name_of(report)), RUNNING, 1)}",
        "level": report.scope.level,
        "code": breakable(seen(report.scope.code)),
        "month": report.month,
        "days": f"{report.from_day} to {report.to_day} ({ZONE})",
        "revision": str(report.revision),
        "hash": facts["hash"],
        "date": list(report.position.judged_at.astimezone(UTC).timetuple()[:6]),
        "preliminary": report.preliminary,
        "banners": list(banners(report)),
        "facts": [[name, breakable(seen(facts[name]))] for name in _FACTS],
        "caps": [_cap_cells(report, cap) for cap in head.caps],
        "summed": SUMMED,
        "judged": minute(report.position.judged_at),
        "made": [[word, _mass(mass_g)] for word, mass_g in zip(ACTIVITIES, head.made_g, strict=True)],
        "tiles": _tiles(head),
        "severities": [[word, f"{count:,}"] for word, count in zip(SEVERITIES, head.conditions, strict=True)],
        "charts": [[title, zh, styled(svg, PAPER)] for title, zh, svg in drawings if svg],
        "body": [_table(table) for table in body],
        "annex": [_table(table) for table in annex],
    }


_FACTS: Final = ("judged at", "registry revision", "outage revision", "read", "release", "compared with")


def _sections(report: TraceabilityReport) -> tuple[Sequence[Table], Sequence[Table]]:
    """What is told first and what stands in the annex: a plant's own month needs no summary of itself."""
    detail = {table.topic: table for table in topics.tables(report)}
    if len(report.plants) <= 1:
        return [table for table in detail.values() if table.rows or table.topic not in PARTS], []
    whole = [table for topic in (*PARTS, "caps") if (table := detail.pop(topic)).rows or topic == "caps"]
    changes = [detail.pop(topic) for topic in ("differences", "cleared", "amendments")]
    annexed = [summaries.plants(report), *(table for table in detail.values() if table.topic != "plants")]
    return [*whole, *(summary(report) for summary in summaries.ORDER), *changes], annexed


def _cap_cells(report: TraceabilityReport, cap: CapTotal) -> dict[str, Any]:
    issued = cap.holders - cap.not_issued
    return {
        "kind": cap.kind,
        "holders": f"{cap.holders:,}" + (f", {cap.not_issued:,} not yet issued" if cap.not_issued else ""),
        "granted": _mass(cap.granted_g) if issued else None,
        "drawn": _mass(cap.drawn_g),
        "headroom": _mass(cap.headroom_g) if issued else None,
        "over": _mass(cap.over_g),
        "uncapped": _mass(cap.uncapped_g),
        "projected": _mass(cap.projected_g),
        "overruns": overruns(report, cap),
    }


def _tiles(head: Headline) -> list[list[str]]:
    coverage = "none made" if head.coverage_ppm is None else f"{percent(head.coverage_ppm)} %"
    filed = f"{head.filed:,}"
    return [
        ["declarations owed", f"{head.owed:,}", f"of them {head.excused:,} excused"],
        ["filed", filed, f"of them {head.late:,} late"],
        ["missing", f"{head.missing:,}", f"{head.awaited:,} still awaited"],
        ["coverage", coverage, "of lawful chain"],
        ["open custody", f"{head.open_custody:,}", f"{head.overdue:,} overdue"],
    ]


def _table(table: Table) -> dict[str, Any]:
    too_long = len(table.rows) > LINES_MAX and table.topic != "plants"  # a line a plant is what an annex is for
    rows = () if too_long else table.rows
    empty = (
        f"{len(table.rows):,} lines: the files XLSX, CSV and HTML of this hash hold them." if too_long else table.empty
    )
    return {
        "title": table.title,
        "title_zh": table.title_zh,
        "says": table.says,
        "empty": empty,
        "columns": [
            {
                "title": column.title,
                "unit": column.heading.removeprefix(column.title).strip(" ()"),
                "number": column.kind in _NUMBERS,
                "width": column.weight or _width(column, [row[at] for row in rows]),
            }
            for at, column in enumerate(table.columns)
        ],
        "rows": [_cells(table.columns, row) for row in rows],
        "total": _cells(table.columns, table.total) if table.total and rows else None,
    }


def _width(column: Column, cells: Sequence[Cell]) -> int:
    """The column's share of what numbers leave; 0: as wide as its words, which are short."""
    if column.kind is Kind.CODE and all(len(str(cell)) <= SHORT for cell in cells):
        return 0
    if column.kind is Kind.NAMED and all(_letters(cell) <= SHORT_NAME for cell in cells):
        return 0
    return _WIDTHS.get(column.kind, 0)


def _letters(cell: Cell) -> int:
    """Of a name with its code, the longer of the two lines, Chinese letters as two."""
    return max(across(cell.name, 2), across(cell.code, 2)) if isinstance(cell, Named) else 0


def _cells(columns: Sequence[Column], row: Sequence[Cell]) -> list[Any]:
    return [_cell(column.kind, cell) for column, cell in zip(columns, row, strict=True)]


def _cell(kind: Kind, cell: Cell) -> Any:
    """A mass is a pair (whole tonnes, decimals), a name a triple; all else is a text or nothing."""
    if isinstance(cell, Figure):
        return _cell(cell.kind, cell.value)
    if isinstance(cell, int):
        return _number(kind, cell)
    if isinstance(cell, Named):
        return ["named", breakable(seen(cell.code)), breakable(seen(cell.name)) if cell.is_named else ""]
    if isinstance(cell, datetime):
        return deadline(cell) if kind is Kind.DEADLINE else minute(cell)
    return None if cell is None else breakable(seen(cell))


def _mass(mass_g: int) -> Any:
    return list(decimals(mass_g)) if mass_g else "0"


def _number(kind: Kind, value: int) -> Any:
    if kind is Kind.MASS:
        return _mass(value)
    return percent(value) if kind is Kind.SHARE else f"{value:,}"
