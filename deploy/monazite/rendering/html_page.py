"""One page that needs no other file: the same numbers, drawings and lines as the PDF, light or dark, wide or narrow."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Final

from monazite.rendering import charts, sankey, topics
from monazite.rendering.drawing import PAPER, written
from monazite.rendering.figures import deadline, decimals, minute
from monazite.rendering.headline import ACTIVITIES, SEVERITIES, SUMMED, CapTotal, Headline, headline, overruns
from monazite.rendering.identity import TITLE, TITLE_ZH, banners, identity, scope_of
from monazite.rendering.summaries import ORDER
from monazite.rendering.tables import Cell, Column, Figure, Kind, Named, Table
from monazite_contracts.quantities import percent
from monazite_contracts.reports import TraceabilityReport

OPEN_MAX: Final = 60
"""A longer table is folded up."""
NOTHING: Final = '<span class="none">–</span>'
NUMBERS: Final = frozenset({Kind.MASS, Kind.SHARE, Kind.COUNT, Kind.FIGURE})


def render(report: TraceabilityReport) -> bytes:
    """The page's bytes."""
    css = files("monazite.rendering").joinpath("page.css").read_text(encoding="utf-8")
    head = headline(report)
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # Nothing is fetched and nothing runs, whatever a name may say.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{written(TITLE)} {report.month}, {written(scope_of(report))}</title>",
        f"<style>{css}{_drawn()}</style></head><body><main>",
        *_opening(report),
        *_numbers(report, head),
        *_drawings(report),
        *_tables(report),
        _closing(report),
        "</main></body></html>\n",
    ]
    return "\n".join(parts).encode()


def _drawn() -> str:
    """Colours of the drawings are the page's own, which it changes in the dark."""
    return "".join(f".chart .{name}{{fill:var(--{name})}}" for name in PAPER)


def _opening(report: TraceabilityReport) -> Iterator[str]:
    yield f'<header><h1>{written(TITLE)} <span lang="zh">{TITLE_ZH}</span></h1>'
    yield f'<p class="scope">{written(scope_of(report))}</p>'
    yield f"<p>{report.month}, {report.from_day} to {report.to_day} (Asia/Shanghai), revision {report.revision}</p>"
    for banner in banners(report):
        yield f'<p class="banner">{written(banner)}</p>'
    yield "</header>"


def _closing(report: TraceabilityReport) -> str:
    facts = dict(identity(report))
    return f"<footer>revision {report.revision}, SHA-256 <code>{facts['hash']}</code></footer>"


def _numbers(report: TraceabilityReport, head: Headline) -> Iterator[str]:
    yield "<section><h2>The month in numbers</h2>"
    yield _caps(report, head.caps)
    made = [(word, _mass(mass_g), "t REO") for word, mass_g in zip(ACTIVITIES, head.made_g, strict=True)]
    yield _tiles(made)
    coverage = "none made" if head.coverage_ppm is None else f"{percent(head.coverage_ppm)} %"
    yield _tiles([
        ("declarations owed", f"{head.owed:,}", f"of them {head.excused:,} excused"),
        ("filed", f"{head.filed:,}", f"of them {head.late:,} late"),
        ("missing", f"{head.missing:,}", f"{head.awaited:,} still awaited"),
        ("coverage", coverage, "of lawful chain"),
        ("open custody", f"{head.open_custody:,}", f"{head.overdue:,} overdue"),
    ])  # fmt: skip
    severities = zip(SEVERITIES, head.conditions, strict=True)
    held = f"hold as of {minute(report.position.judged_at)}"
    yield _tiles([(f"{word} conditions", f"{count:,}", held) for word, count in severities])
    facts = "".join(f"<dt>{written(name)}</dt><dd>{written(said)}</dd>" for name, said in identity(report)[1:-1])
    yield f"<details><summary>Where these figures were read</summary><dl>{facts}</dl></details></section>"


def _tiles(tiles: Sequence[tuple[str, str, str]]) -> str:
    cells = (
        f"<div><span>{word}</span><strong>{value}</strong><small>{note}</small></div>" for word, value, note in tiles
    )
    return f'<div class="tiles">{"".join(cells)}</div>'


def _caps(report: TraceabilityReport, caps: Sequence[CapTotal]) -> str:
    if not caps:
        return '<p class="none">No caps in this scope: they go to the nation and to their holders.</p>'
    masses = ("granted", "drawn", "headroom", "over their caps", "drawn without a cap", "projected")
    words = ("cap", *(f"{word} (t REO)" for word in masses), "overruns")
    rows = "".join(
        f"<tr><td>{written(cap.kind)}<small>{_holders(cap)}</small></td>{_granted(cap, cap.granted_g)}"
        f'<td class="n">{_mass(cap.drawn_g)}</td>{_granted(cap, cap.headroom_g)}'
        f'<td class="n{" over" if cap.over_g else ""}">{_mass(cap.over_g)}</td>'
        f'<td class="n">{_mass(cap.uncapped_g)}</td><td class="n">{_mass(cap.projected_g)}</td>'
        f"<td>{overruns(report, cap)}</td></tr>"
        for cap in caps
    )
    head = "".join(f'<th scope="col"{_unit_looks(word)}>{word}</th>' for word in words)
    table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f'{table}<p class="says">{SUMMED}</p>'


def _unit_looks(heading: str) -> str:
    return ' class="n"' if heading.endswith("REO)") else ""


def _holders(cap: CapTotal) -> str:
    return f"holders: {cap.holders:,}" + (f", {cap.not_issued:,} not yet issued" if cap.not_issued else "")


def _granted(cap: CapTotal, mass_g: int) -> str:
    shown = _mass(mass_g) if cap.holders > cap.not_issued else NOTHING
    return f'<td class="n">{shown}</td>'


def _drawings(report: TraceabilityReport) -> Iterator[str]:
    drawn = (charts.caps(report), charts.parts(report), sankey.flows(report))
    titles = ("Production against caps", "Production by part", "Flows of the month")
    for title, drawing in zip(titles, drawn, strict=True):
        if drawing:
            yield f'<section><h2>{title}</h2><div class="wide">{drawing}</div></section>'


def _tables(report: TraceabilityReport) -> Iterator[str]:
    detail = topics.tables(report)
    if len(report.plants) > 1:
        yield "<h2>Summed up</h2>"
        yield from (_table(summary(report), "sum-") for summary in ORDER)
        yield "<h2>Every line</h2>"
    yield from (_table(table) for table in detail)


def _table(table: Table, prefix: str = "") -> str:
    title = f'{written(table.title)} <span lang="zh">{table.title_zh}</span>'
    says = f'<p class="says">{written(table.says)}</p>'
    opening = f'<section id="{prefix}{table.topic}"><h3>{title}</h3>{says}'
    if not table.rows:
        return f'{opening}<p class="none">{written(table.empty)}</p></section>'
    head = "".join(f'<th scope="col"{_looks(column.kind)}>{written(column.heading)}</th>' for column in table.columns)
    rows = "".join(_row(table.columns, row) for row in table.rows)
    foot = f"<tfoot>{_row(table.columns, table.total)}</tfoot>" if table.total else ""
    grid = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>{foot}</table></div>'
    fold = "" if len(table.rows) > OPEN_MAX else " open"
    return f"{opening}<details{fold}><summary>{_count(len(table.rows))}</summary>{grid}</details></section>"


def _count(lines: int) -> str:
    return f"{lines:,} line{'' if lines == 1 else 's'}"


def _row(columns: Sequence[Column], row: Sequence[Cell]) -> str:
    cells = (
        f"<td{_looks(column.kind)}>{_cell(column.kind, cell)}</td>" for column, cell in zip(columns, row, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _looks(kind: Kind) -> str:
    return ' class="n"' if kind in NUMBERS else ' class="t"' if kind is Kind.TEXT else ""


def _cell(kind: Kind, cell: Cell) -> str:
    if isinstance(cell, Figure):
        return _cell(cell.kind, cell.value)
    if isinstance(cell, int):
        return _mass(cell) if kind is Kind.MASS else percent(cell) if kind is Kind.SHARE else f"{cell:,}"
    if isinstance(cell, Named):
        return f"{written(cell.name)}<small>{written(cell.code)}</small>" if cell.is_named else written(cell.code)
    if isinstance(cell, datetime):
        return deadline(cell) if kind is Kind.DEADLINE else minute(cell)
    return NOTHING if cell is None else written(cell)


def _mass(mass_g: int) -> str:
    if not mass_g:
        return "0"
    whole, rest = decimals(mass_g)
    return f"{whole}<i>.{rest}</i>"
