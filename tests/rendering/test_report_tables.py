"""CSV, XLSX and HTML: every line, in its own type, with its unit; what looks like a formula or markup stays text."""

import csv
import io
import re
import zipfile
from datetime import datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from io import BytesIO

import openpyxl
import pytest
from openpyxl.workbook import Workbook
from report_documents import (
    HOSTILE,
    JUDGED_AT,
    TONNE,
    a_nation,
    a_plant_report,
    a_report,
    a_second_revision,
    extremes,
)

from monazite.rendering import render, sankey
from monazite.rendering.figures import whole_tonnes
from monazite.rendering.headline import document_hash, headline
from monazite.rendering.topics import tables
from monazite_contracts.report_lines import CapLine, Difference, FlowLine, OutputLine
from monazite_contracts.reports import Scope, TraceabilityReport


def csv_files(report: TraceabilityReport) -> dict[str, list[list[str]]]:
    with zipfile.ZipFile(BytesIO(render(report, "csv"))) as archive:
        texts = {name.removesuffix(".csv"): archive.read(name).decode() for name in archive.namelist()}
    return {name: list(csv.reader(io.StringIO(text, newline=""), strict=True)) for name, text in texts.items()}


def book(report: TraceabilityReport) -> Workbook:
    return openpyxl.load_workbook(BytesIO(render(report, "xlsx")))


def column(rows: list[list[str]], title: str) -> list[str]:
    at = rows[0].index(title)
    return [row[at] for row in rows[1:]]


def test_there_is_one_csv_file_a_topic_with_units_in_the_header() -> None:
    files = csv_files(a_nation())
    assert set(files) == {"report"} | {table.topic for table in tables(a_nation())}
    assert files["caps"][0][4:6] == ["granted (t REO)", "drawn (t REO)"]
    assert "deadline (Asia/Shanghai)" in files["declarations"][0]
    assert all(len(row) == len(rows[0]) for rows in files.values() for row in rows)


def test_csv_masses_are_exact() -> None:
    report = a_nation()
    shown = column(csv_files(report)["output"], "oxide equivalent (t REO)")
    assert [Decimal(cell) * TONNE for cell in shown] == [line.reo_g for line in report.output]


def test_csv_ends_its_lines_as_the_standard_says() -> None:
    with zipfile.ZipFile(BytesIO(render(extremes(), "csv"))) as archive:
        for name in archive.namelist():
            raw = archive.read(name)
            assert raw.endswith(b"\r\n")
            assert raw.count(b"\n") == raw.count(b"\r\n")


def test_no_csv_cell_becomes_a_formula_and_a_negative_mass_stays_a_number() -> None:
    files = csv_files(extremes())
    cells = [cell for rows in files.values() for row in rows for cell in row]
    for hostile in HOSTILE:
        assert (f"'{hostile}" if hostile[0] in "=+-@" else hostile) in cells
    dangerous = [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]
    assert dangerous
    assert all(re.fullmatch(r"-[0-9]+\.[0-9]{6}", cell) for cell in dangerous)


def test_nothing_unseen_is_left_in_any_text() -> None:
    report = extremes()
    texts = [cell for rows in csv_files(report).values() for row in rows for cell in row]
    texts += [str(c.value) for sheet in book(report) for row in sheet.iter_rows() for c in row if c.value is not None]
    texts.append(render(report, "html").decode())
    assert not any("\u202e" in text or "\x00" in text for text in texts)


def test_a_workbook_has_a_sheet_a_topic_with_frozen_heads_and_filters() -> None:
    report = a_nation()
    opened = book(report)
    assert opened.sheetnames == ["report", *(table.topic for table in tables(report))]
    for sheet in opened.worksheets[1:]:
        assert sheet.freeze_panes == "B4"
        assert sheet.auto_filter.ref.startswith("A3:")
        assert sheet.column_dimensions["A"].width > 5


def test_numbers_are_numbers_and_instants_are_instants_in_shanghai() -> None:
    report = a_nation()
    sheet = book(report)["declarations"]
    head = [cell.value for cell in sheet[3]]
    filed = sheet.cell(5, head.index("filed (Asia/Shanghai)") + 1)
    assert filed.value == datetime(2023, 6, 9, 16)  # noqa: DTZ001 - Excel knows no zones: the heading names it
    assert filed.is_date
    caps = book(report)["caps"]
    granted = caps.cell(4, [cell.value for cell in caps[3]].index("granted (t REO)") + 1)
    assert granted.value == 80_943
    assert granted.data_type == "n"


@pytest.mark.parametrize("mass_g", [1, -1, 999_999, 123_456_789_012_345, 999_999_999_999_999, -99_999_999_999_999])
def test_a_mass_below_a_thousand_million_tonnes_is_exact_in_a_workbook(mass_g: int) -> None:
    line = OutputLine(plant="p", activity="mined", product="x", origin="other", net_g=mass_g, reo_g=mass_g)
    sheet = book(a_report(output=(line,)))["output"]
    value = sheet.cell(4, [cell.value for cell in sheet[3]].index("net (t)") + 1).value
    # Excel shows 15 digits of the number nearest to the decimal.
    assert Decimal(f"{value:.15g}") * TONNE == mass_g


def test_the_first_sheet_sums_the_others_by_formula_and_finds_what_was_stated() -> None:
    report = a_nation()
    written = render(report, "xlsx")
    formulas = openpyxl.load_workbook(BytesIO(written))["report"]
    values = openpyxl.load_workbook(BytesIO(written), data_only=True)["report"]
    sums = [row for row in formulas.iter_rows() if str(row[2].value).startswith("=ROUND(SUM(")]
    assert len(sums) > 20
    made = next(row for row in sums if row[0].value == "output" and row[1].value == "oxide equivalent (t REO)")
    at = made[0].row
    assert made[2].value == f"=ROUND(SUM('output'!H4:H{3 + len(report.output)}),6)"
    assert Decimal(repr(values.cell(at, 4).value)) * TONNE == sum(line.reo_g for line in report.output)
    assert values.cell(at, 5).value == "yes"


def test_what_the_first_sheet_tells_has_a_row_that_holds_it() -> None:
    name = "内蒙古自治区包头稀土高新技术产业开发区" * 10
    sheet = book(a_report(scope=Scope(level="plant", code="p", name=name)))["report"]
    (at,) = [row[0].row for row in sheet.iter_rows() if row[0].value == "name"]
    assert sheet.row_dimensions[at].height >= 15 * 2 * len(name) / sheet.column_dimensions["B"].width
    compared = "2023-05 revision 1, " + "ab" * 32
    assert len(compared) < sheet.column_dimensions["B"].width


def test_no_workbook_cell_is_a_formula_or_a_link_because_a_name_looks_like_one() -> None:
    opened = book(extremes())
    for sheet in opened.worksheets[1:]:
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" and cell.hyperlink is None for cell in row)
    names = {cell.value for row in opened["plants"].iter_rows() for cell in row}
    assert set(HOSTILE) <= names


def test_the_workbook_is_dated_by_the_document() -> None:
    assert book(a_report()).properties.created == datetime(2023, 6, 10, 16)  # noqa: DTZ001 - openpyxl's UTC has no zone


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page(report: TraceabilityReport) -> _Page:
    parser = _Page()
    parser.feed(render(report, "html").decode())
    return parser


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    written = render(extremes(), "html").decode()
    parsed = page(extremes())
    assert not {tag for tag, _ in parsed.tags} & {"script", "img", "link", "iframe", "object", "embed", "form", "a"}
    assert not any(
        name in {"src", "href", "style"} or name.startswith("on")
        for _, attributes in parsed.tags
        for name in attributes
    )
    assert "url(" not in written
    assert "@import" not in written
    assert "default-src 'none'" in written


def test_texts_stand_in_the_page_as_they_are() -> None:
    texts = page(extremes()).texts
    assert all(hostile in texts for hostile in HOSTILE)


def test_the_page_has_every_line_and_says_which_report_it_is() -> None:
    report = a_second_revision()
    text = "".join(page(report).texts)
    assert all(plant.code in text and plant.name in text for plant in report.plants)
    assert document_hash(report) in text
    assert "SIMULATED" in text
    assert "revision 2" in text


def test_a_drawing_stands_only_where_there_is_something_to_draw() -> None:
    assert not [tag for tag, _ in page(a_report()).tags if tag == "svg"]
    assert len([tag for tag, _ in page(a_nation()).tags if tag == "svg"]) == 3


def test_drawings_have_no_negative_size_where_more_left_than_came() -> None:
    parsed = page(extremes())
    sizes = [
        int(attributes[name] or 0) for tag, attributes in parsed.tags if tag == "rect" for name in ("width", "height")
    ]
    assert sizes
    assert min(sizes) >= 0


def a_cap(holder: str, group: str | None, granted_g: int | None, drawn_g: int) -> CapLine:
    return CapLine(
        holder=holder, name=holder, group=group, kind="separation", granted_g=granted_g, drawn_g=drawn_g,
        headroom_g=None if granted_g is None else granted_g - drawn_g,
        drawn_in_month_g=0, rate_g_per_day=0, projected_g=drawn_g, overrun_then_g=0,
    )  # fmt: skip


def test_what_a_group_includes_is_not_counted_twice() -> None:
    caps = (a_cap("group", None, 100, 60), a_cap("member", "group", 50, 60), a_cap("alone", "elsewhere", 10, 1))
    (total,) = headline(a_report(caps=caps)).caps
    assert (total.granted_g, total.drawn_g, total.headroom_g, total.holders) == (110, 61, 49, 2)
    assert total.overrun_at_end == 1


def test_the_first_pages_figures_of_a_cap_add_up_whoever_is_over_or_has_no_cap() -> None:
    caps = (a_cap("over", None, 100, 130), a_cap("under", None, 100, 60), a_cap("none", None, None, 7))
    report = a_report(caps=caps)
    (total,) = headline(report).caps
    assert (total.granted_g, total.drawn_g) == (200, 197)
    assert (total.headroom_g, total.over_g, total.uncapped_g) == (40, 30, 7)
    assert total.granted_g + total.over_g + total.uncapped_g == total.drawn_g + total.headroom_g
    shown = "".join(page(report).texts)
    assert "Granted + over their caps + drawn without a cap = drawn + headroom." in shown
    assert "1 on 2023-05-31, 0 in the year" in shown


def test_what_is_not_yet_issued_is_no_headroom() -> None:
    (total,) = headline(a_report(caps=(a_cap("a", None, None, 7), a_cap("b", None, 10, 3)))).caps
    assert (total.granted_g, total.drawn_g, total.headroom_g, total.not_issued) == (10, 10, 7, 1)


def test_a_deadline_is_told_in_one_form_in_every_file() -> None:
    line = a_plant_report().declarations[0]
    moved = line.model_copy(update={"plant": "moved", "deadline": JUDGED_AT + timedelta(hours=3)})
    change = Difference(topic="declarations", of="moved", figure="deadline", before="2023-06-10T16:00:00Z", after=None)
    report = a_report(declarations=(line, moved), differences=(change,))
    files = csv_files(report)
    assert column(files["declarations"], "deadline (Asia/Shanghai)") == ["by the end of 2023-06-10", "2023-06-11 03:00"]
    assert column(files["differences"], "before") == ["by the end of 2023-06-10"]
    cell = book(report)["declarations"].cell(4, 6)
    assert (cell.value, cell.number_format) == (datetime(2023, 6, 10), '"by the end of" yyyy-mm-dd')  # noqa: DTZ001
    texts = "".join(page(report).texts)
    assert texts.count("by the end of 2023-06-10") == 2


def test_what_was_declared_stands_beside_what_the_events_say_where_they_differ() -> None:
    rows = csv_files(a_nation())["differing"]
    assert rows[0][4:] == ["figure", "declared (t)", "by events (t)", "difference (t)"]
    assert rows[1][4:] == ["made", "900.000000", "887.013013", "12.986987"]
    assert len(rows) - 1 == sum(line.differences for line in a_nation().declarations)


def a_flow(**masses: int) -> FlowLine:
    columns = ("opening_g", "in_g", "made_g", "used_g", "shipped_g", "lost_g", "closing_g")
    return FlowLine.model_validate(
        {"plant": "p", "product": "cerium-oxide", "unit": "reo"} | dict.fromkeys(columns, 0) | masses
    )


def drawn_words(report: TraceabilityReport) -> list[str]:
    drawing = sankey.flows(report)
    assert drawing is not None
    return re.findall(r">([^<>]+)</text>", drawing)


def test_the_flow_chart_shows_what_is_missing_so_that_its_sides_balance() -> None:
    short = a_flow(in_g=5 * TONNE, shipped_g=8 * TONNE, closing_g=-3 * TONNE)
    words = drawn_words(a_report(flows=(short,)))
    assert words[words.index("missing") + 1] == "3 t"
    assert "missing before" not in words
    assert sankey.MISSING in words
    later = a_flow(opening_g=-3 * TONNE, in_g=5 * TONNE, closing_g=2 * TONNE)
    words = drawn_words(a_report(flows=(later,)))
    assert words[words.index("missing before") + 1] == "3 t"


def test_grams_of_rounding_are_not_drawn_as_missing() -> None:
    words = drawn_words(a_report(flows=(a_flow(in_g=5 * TONNE, shipped_g=5 * TONNE + 2, closing_g=-2),)))
    assert "missing" not in words
    assert whole_tonnes(-2) == "0"


def test_parts_sum_to_the_whole_in_every_file() -> None:
    files = csv_files(a_nation())
    mined = [
        sum(Decimal(cell) for cell in column(files[part], "mined (t REO)")) for part in ("provinces", "enterprises")
    ]
    assert mined[0] == mined[1] == Decimal(headline(a_nation()).made_g[0]) / TONNE


def test_product_and_oxide_are_never_in_one_column() -> None:
    flow = FlowLine(
        plant="p", product="x", unit="reo", opening_g=1, in_g=0, made_g=0, used_g=0, shipped_g=0, lost_g=0, closing_g=1
    )
    files = csv_files(a_report(flows=(flow, flow.model_copy(update={"unit": "product", "opening_g": 2}))))
    assert column(files["flows-reo"], "opening (t REO)") == ["0.000001"]
    assert column(files["flows-product"], "opening (t)") == ["0.000002"]
