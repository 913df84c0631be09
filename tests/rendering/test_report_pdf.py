"""The PDF: every letter is in the file, every page says which report it is, and no text is read as markup."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise

import pytest
from pypdf import PageObject, PdfReader
from pypdf.generic import ContentStream
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

from monazite.rendering import render
from monazite.rendering.glyphs import lettered
from monazite.rendering.headline import document_hash
from monazite_contracts.report_lines import AmendmentLine, CapLine
from monazite_contracts.reports import TraceabilityReport


def opened(report: TraceabilityReport) -> PdfReader:
    return PdfReader(BytesIO(render(report, "pdf")))


def words(page: PageObject) -> str:
    """The page's text without the line ends that typesetting made."""
    return re.sub(r"\s+", " ", page.extract_text())


def all_words(pdf: PdfReader) -> str:
    """Without any blank: a word may be broken anywhere."""
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in pdf.pages))


@pytest.fixture(scope="module")
def nation() -> PdfReader:
    return opened(a_nation(24))


@pytest.fixture(scope="module")
def extreme() -> PdfReader:
    return opened(extremes())


def fonts(pdf: PdfReader) -> dict[str, dict[str, object]]:
    found = {}
    for page in pdf.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            (descendant,) = font.get_object()["/DescendantFonts"]
            found[font.get_object()["/BaseFont"]] = descendant.get_object()["/FontDescriptor"]
    return found


def test_the_font_is_in_the_file_and_no_other_is_asked_for(nation: PdfReader) -> None:
    found = fonts(nation)
    assert found
    assert all("NotoSansSC" in name and "/FontFile3" in descriptor for name, descriptor in found.items())


def glyphs(page: PageObject) -> Iterator[int]:
    """The number of every glyph that the page shows; 0 is the box for a letter that the font lacks."""
    for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
        shown = operands if operator == b"Tj" else operands[0] if operator == b"TJ" else ()
        for piece in shown:
            raw = piece.original_bytes if hasattr(piece, "original_bytes") else b""
            yield from (int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2))


@pytest.mark.parametrize("which", ["nation", "extreme"])
def test_no_letter_is_shown_as_an_empty_box(which: str, request: pytest.FixtureRequest) -> None:
    shown = [glyph for page in request.getfixturevalue(which).pages for glyph in glyphs(page)]
    assert len(shown) > 5_000
    assert 0 not in shown


def test_a_letter_that_the_font_lacks_is_shown_by_its_code_point(extreme: PdfReader) -> None:
    text = all_words(extreme)
    assert "[U+20BB7]" in text
    assert "[U+1F600]" in text
    assert lettered("氧化镨钕 é 12") == "氧化镨钕 é 12"


def test_chinese_names_and_codes_can_be_copied_from_it(nation: PdfReader) -> None:
    text = all_words(nation)
    assert "内蒙古自治区" in text
    assert "中国北方稀土(集团)高科技股份有限公司" in text
    assert "northern-metal-003" in text
    assert "00000000000000000000000000000014" in text  # an alert's id, broken where its column ends


def test_every_page_bears_its_number_revision_and_hash() -> None:
    report = a_second_revision(12)
    pdf = opened(report)
    for number, page in enumerate(pdf.pages, start=1):
        assert f"page {number} of {len(pdf.pages)}" in words(page)
        assert f"revision 2, SHA-256 {document_hash(report)}" in words(page)


def test_a_simulated_or_preliminary_report_says_so_on_every_page() -> None:
    pdf = opened(a_nation(6, preliminary=True))
    assert all("SIMULATED, PRELIMINARY" in words(page) for page in pdf.pages)
    assert "not to be signed" in words(pdf.pages[0])
    real = opened(a_report(simulated=False))
    assert not any("SIMULATED" in words(page) or "PRELIMINARY" in words(page) for page in real.pages)
    assert "Signed for the authority" in words(real.pages[0])


def test_the_first_page_has_the_numbers_that_matter(nation: PdfReader) -> None:
    first = words(nation.pages[0])
    report = a_nation(24)
    granted_t = sum(c.granted_g or 0 for c in report.caps if c.kind == "mining_rock") // TONNE
    assert f"{granted_t:,}" in first
    for said in (
        "2023-05", "declarations owed 24", "missing 3", "99.0848 %", "open custody 6", "critical 2",
        "1 not yet issued", "1 on 2023-05-31, 2 in the year", "as of 2023-06-11 00:00",
        "registry revision 42", "outage revision 3",
        "2023-06-11 00:00 (Asia/Shanghai)", document_hash(report),
    ):  # fmt: skip
        assert said in first, said


def test_masses_are_exact_to_the_gram() -> None:
    drawn_g = 99_999_999_999_999
    cap = CapLine(
        holder="h", name="h", group=None, kind="separation", granted_g=drawn_g + 2, drawn_g=drawn_g, drawn_in_month_g=1,
        headroom_g=2,
        rate_g_per_day=1, projected_g=10**15 + 7, overrun_then_g=0,
    )  # fmt: skip
    first = words(opened(a_report(caps=(cap,))).pages[0])
    assert "99,999,999.999999" in first
    assert "0.000002" in first
    assert "1,000,000,000.000007" in first


def test_texts_are_set_as_they_are_never_as_markup(extreme: PdfReader) -> None:
    text = all_words(extreme)
    for hostile in HOSTILE:
        assert hostile.replace(" ", "") in text
    assert {round(float(page.mediabox[2])) for page in extreme.pages} == {595, 842}


def edges(page: PageObject) -> tuple[list[float], list[float]]:
    """Where each run of glyphs begins, and at least how far it reaches: a glyph is seldom narrower than 0.4 em."""
    starts, ends, at, size = [], [], [1.0, 0.0], 1.0
    stack: list[list[float]] = []
    scale_and_shift = [1.0, 0.0]
    for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
        if operator == b"q":
            stack.append(list(scale_and_shift))
        elif operator == b"Q":
            scale_and_shift = stack.pop()
        elif operator == b"cm":
            scale, shift = float(operands[0]), float(operands[4])
            scale_and_shift = [scale_and_shift[0] * scale, scale_and_shift[1] + scale_and_shift[0] * shift]
        elif operator == b"Tm":
            at = [float(operands[0]), float(operands[4])]
        elif operator == b"Tf":
            size = float(operands[1])
        elif operator in {b"Tj", b"TJ"}:
            pieces = operands if operator == b"Tj" else operands[0]
            count = sum(len(piece.original_bytes) // 2 for piece in pieces if hasattr(piece, "original_bytes"))
            start = scale_and_shift[1] + scale_and_shift[0] * at[1]
            starts.append(start)
            ends.append(start + count * 0.4 * size * at[0] * scale_and_shift[0])
    return starts, ends


def test_nothing_is_set_beyond_the_margins(extreme: PdfReader) -> None:
    for page in extreme.pages:
        starts, ends = edges(page)
        assert min(starts) >= 40
        assert max(ends) <= float(page.mediabox[2]) - 35


def test_the_date_in_it_is_when_it_was_judged() -> None:
    metadata = opened(a_report()).metadata
    assert metadata is not None
    assert metadata.creation_date == JUDGED_AT
    assert metadata.modification_date == JUDGED_AT


def test_a_table_repeats_its_head_on_each_page() -> None:
    amendments = tuple(
        AmendmentLine(plant="p", kind="void", event=f"e{n}", arrived_at=JUDGED_AT, reason="r") for n in range(120)
    )
    pages = [words(page) for page in opened(a_report(amendments=amendments)).pages]
    on = [page for page in pages if " void e" in page]
    assert len(on) > 2
    assert all("statement amended" in page for page in on)


def test_a_table_too_long_to_read_on_paper_names_the_files_that_hold_it() -> None:
    amendments = tuple(
        AmendmentLine(plant="p", kind="void", event=f"e{n}", arrived_at=JUDGED_AT, reason="r") for n in range(600)
    )
    text = all_words(opened(a_report(amendments=amendments)))
    assert "600lines:thefilesXLSX,CSVandHTMLofthishashholdthem." in text
    assert "e599" not in text


def test_an_empty_table_says_so() -> None:
    text = " ".join(words(page) for page in opened(a_report()).pages)
    for said in ("Nothing was made.", "Nobody owes an answer.", "Nobody owed a declaration.", "No caps in this scope"):
        assert said in text


def test_a_second_revision_spells_out_what_changed() -> None:
    text = all_words(opened(a_second_revision(12)))
    assert "31,000.000000" in text
    assert "31,012.345678" in text
    assert "93.1250" in text
    assert "2023-06-1211:04:05.123456" in text
    assert "2023-05revision1" in text


def test_a_nation_is_summed_up_first_and_an_annex_has_the_plants(nation: PdfReader) -> None:
    pages = [words(page) for page in nation.pages]
    annex = next(n for n, page in enumerate(pages) if "Annex: every line" in page)
    assert 3 < annex < len(pages) - 3
    assert "northern-mine-000" in "".join(pages[annex:])
    assert not any("Annex" in words(page) for page in opened(a_plant_report()).pages)


def test_pages_follow_each_other_without_a_blank_one(nation: PdfReader) -> None:
    lengths = [len(words(page)) for page in nation.pages]
    assert min(lengths) > 250
    assert all(one or other for one, other in pairwise(lengths))
