"""One sheet a topic, with numbers as numbers and instants as instants; the first sheet says whose, and sums the others.

Masses stand in tonnes with six decimals: Excel keeps 15 digits, so that every mass below 1,000,000,000 t is exact to
the gram. Sums are formulas, rounded to the gram, beside the sums of whole grams that they must equal.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from unicodedata import east_asian_width

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from monazite.rendering.csv_archive import UNIT_OF, headings
from monazite.rendering.figures import ZONE, last_day, local, plain_tonnes, seen
from monazite.rendering.identity import TITLE, TITLE_ZH, banners, identity
from monazite.rendering.tables import Cell, Column, Figure, Kind, Named, Table, summed
from monazite.rendering.topics import tables
from monazite_contracts.reports import TraceabilityReport

FIRST: Final = "report"
HEAD: Final = 3
"""Rows above a sheet's lines: title, how to read it, headings."""
WIDEST: Final = 60
FACT: Final = 90
"""Letters across a fact of the first sheet; a longer one gets a taller row, which no program works out by itself."""
LINE_POINTS: Final = 15
ADDED: Final = frozenset({"provinces", "enterprises", "output", "flows-reo", "flows-product", "coverage", "shipments"})
"""Topics whose masses may be added up; a group's cap includes its members'."""
_FORMS: Final[Mapping[Kind, Mapping[str, Any]]] = {
    Kind.MASS: {"num_format": "#,##0.000000"},
    Kind.SHARE: {"num_format": "0.0000"},
    Kind.COUNT: {"num_format": "#,##0"},
    Kind.INSTANT: {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"},
    Kind.DEADLINE: {"num_format": '"by the end of" yyyy-mm-dd', "align": "left"},
    Kind.TEXT: {"text_wrap": True, "valign": "top"},
}
DAYS: Final = frozenset({"from", "to"})
NUMBERS: Final = frozenset({"revision", "registry revision", "outage revision"})
"""Of the first sheet's facts."""
_TEXT_MAX: Final = 32_000
"""Letters in a cell; Excel's own limit is 32,767."""


class _Book:
    """The workbook with the formats that its sheets share."""

    def __init__(self, written: io.BytesIO, report: TraceabilityReport) -> None:
        options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self.book = xlsxwriter.Workbook(written, options)
        created = report.position.judged_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        self.book.set_properties({"title": f"{TITLE} {report.month}", "author": "monazite", "created": created})
        self.book.set_size(2_400, 1_400)
        self.forms = {kind: self.book.add_format({"valign": "top"} | dict(_FORMS.get(kind, {}))) for kind in Kind}
        self.title = self.book.add_format({"bold": True, "font_size": 14, "font_color": "#0072B2"})
        self.faint = self.book.add_format({"font_color": "#595959"})
        self.day = self.book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        self.left = self.book.add_format({"align": "left"})
        self.middle = self.book.add_format({"align": "center"})
        self.warning = self.book.add_format({"bold": True, "font_color": "#B34700"})
        self.head = self.book.add_format(
            {"bold": True, "text_wrap": True, "valign": "bottom", "bg_color": "#F2F2F2", "bottom": 1}
        )

    def sheet(self, name: str) -> Worksheet:
        """A new sheet that prints on A4, as wide as the page."""
        sheet = self.book.add_worksheet(name)
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&Rpage &P of &N")
        return sheet


def render(report: TraceabilityReport) -> bytes:
    """The workbook's bytes."""
    written = io.BytesIO()
    book = _Book(written, report)
    first = book.sheet(FIRST)
    topics = tables(report)
    for table in topics:
        _topic(book, table)
    _first(book, first, report, topics)
    book.book.close()
    return written.getvalue()


def _topic(book: _Book, table: Table) -> None:
    sheet = book.sheet(table.topic)
    sheet.write_string(0, 0, f"{table.title} {table.title_zh}", book.title)
    sheet.write_string(1, 0, table.says if table.rows else f"{table.says} {table.empty}", book.faint)
    titles = [heading for column in table.columns for heading in headings(column)]
    for at, title in enumerate(titles):
        sheet.write_string(HEAD - 1, at, title, book.head)
    widest = [min(len(title), 18) for title in titles]
    for row, line in enumerate(table.rows, start=HEAD):
        for at, (kind, value) in enumerate(_values(table.columns, line)):
            widest[at] = max(widest[at], _write(book, sheet, (row, at), kind, value))
    for at, width in enumerate(widest):
        sheet.set_column(at, at, min(width + 2, WIDEST))
    sheet.freeze_panes(HEAD, 1)
    sheet.repeat_rows(0, HEAD - 1)
    sheet.autofilter(HEAD - 1, 0, HEAD - 1 + max(len(table.rows), 1), len(titles) - 1)


def _values(columns: Sequence[Column], line: Sequence[Cell]) -> Iterator[tuple[Kind, object]]:
    for column, cell in zip(columns, line, strict=True):
        if isinstance(cell, Named):
            yield Kind.CODE, cell.code
            yield Kind.TEXT, cell.name
        elif column.kind is Kind.NAMED:
            yield Kind.CODE, cell
            yield Kind.TEXT, ""
        elif isinstance(cell, Figure):
            yield cell.kind, cell.value
            yield Kind.CODE, UNIT_OF.get(cell.kind, "")
        else:
            yield column.kind, cell


def _write(book: _Book, sheet: Worksheet, place: tuple[int, int], kind: Kind, value: object) -> int:
    """Writes a cell; says about how wide it is."""
    row, at = place
    form = book.forms[kind]
    if value is None or value == "":
        return 0
    if isinstance(value, datetime) and kind is Kind.DEADLINE and (day := last_day(value)) is not None:
        sheet.write_datetime(row, at, day, form)
        return 24
    if isinstance(value, datetime):
        # Excel knows no zones: the wall clock in Asia/Shanghai, which the heading names, to the second.
        sheet.write_datetime(row, at, local(value).replace(microsecond=0), book.forms[Kind.INSTANT])
        return 19
    if isinstance(value, int):
        sheet.write_number(row, at, _number(kind, value), form)
        return len(f"{_number(kind, value):,.6f}" if kind is Kind.MASS else str(value))
    text = seen(str(value))
    sheet.write_string(row, at, text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}…", form)
    return _across(text)


def _across(text: str) -> int:
    return sum(2 if east_asian_width(letter) in {"W", "F"} else 1 for letter in text)


def _number(kind: Kind, value: int) -> float:
    """The number nearest to the decimal: what Excel itself would keep, had somebody typed it."""
    if kind is Kind.MASS:
        return float(plain_tonnes(value))
    return value / 10_000 if kind is Kind.SHARE else value


def _first(book: _Book, sheet: Worksheet, report: TraceabilityReport, topics: Sequence[Table]) -> None:
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, FACT)
    sheet.set_column(2, 4, 24)
    sheet.write_string(0, 0, f"{TITLE} {TITLE_ZH}", book.title)
    row = 1
    for banner in banners(report):
        sheet.write_string(row, 0, banner, book.warning)
        row += 1
    for name, said in identity(report)[1:-1]:
        sheet.write_string(row, 0, name, book.faint)
        _fact(book, sheet, row, (name, said))
        row += 1
    units = f"Masses in tonnes to the gram (six decimals), exact below 1,000,000,000 t. Instants in {ZONE}."
    sheet.write_string(row, 0, units, book.faint)
    row += 2
    for at, title in enumerate(("sheet", "figure", "sum of the sheet", "stated sum", "equal")):
        sheet.write_string(row, at, title, book.head)
    for topic, heading, column, total in _totals(topics):
        row += 1
        sheet.write_url(row, 0, f"internal:'{topic.topic}'!A1", string=topic.topic)
        sheet.write_string(row, 1, heading)
        kind = column.kind
        form, cells = book.forms[kind], _range(topic, heading)
        stated = _number(kind, total)
        sheet.write_formula(row, 2, f"=ROUND(SUM({cells}),6)", form, stated)
        sheet.write_number(row, 3, stated, form)
        # Further than half a gram apart is another sum, whatever binary fractions did to the last digit.
        sheet.write_formula(row, 4, f'=IF(ABS(C{row + 1}-D{row + 1})<0.0000005,"yes","NO")', book.middle, "yes")
    sheet.freeze_panes(1, 0)


def _fact(book: _Book, sheet: Worksheet, row: int, fact: tuple[str, str]) -> None:
    """A number or a day where that is what it means: a plant's code `0123` is neither."""
    name, said = fact
    if name in DAYS:
        sheet.write_datetime(row, 1, datetime.strptime(said, "%Y-%m-%d"), book.day)  # noqa: DTZ007 - a day has no zone
    elif name in NUMBERS:
        sheet.write_number(row, 1, int(said), book.left)
    else:
        text = seen(said)
        sheet.write_string(row, 1, text, book.forms[Kind.TEXT])
        sheet.set_row(row, LINE_POINTS * max(1, -(-_across(text) * 6 // (FACT * 5))))  # a fifth, for words are not cut


def _totals(topics: Sequence[Table]) -> Iterator[tuple[Table, str, Column, int]]:
    """Every sum that makes sense, in whole grams."""
    for table in topics:
        if table.topic not in ADDED or not table.rows:
            continue
        for column, total in zip(table.columns, summed(table.columns, table.rows), strict=True):
            if isinstance(total, int):
                yield table, column.heading, column, total


def _range(table: Table, heading: str) -> str:
    titles = [title for column in table.columns for title in headings(column)]
    letter = xl_col_to_name(titles.index(heading))
    return f"'{table.topic}'!{letter}{HEAD + 1}:{letter}{HEAD + len(table.rows)}"
