"""The monthly report as files: every level in every form, the same bytes from the same document, sealed or not."""

import os
import subprocess
import sys
import zipfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from nacl.signing import SigningKey
from pypdf import PdfReader
from report_documents import (
    a_nation,
    a_plant_report,
    a_province,
    a_report,
    a_second_revision,
    an_enterprise,
    extremes,
)

from monazite.rendering import FORMS, ExtraMissingError, Form, render
from monazite.rendering.headline import document_hash
from monazite_contracts.envelope import canonical
from monazite_contracts.reports import Scope, TraceabilityReport
from monazite_contracts.sealed_files import open_sealed, seal_file
from monazite_contracts.stated_reports import read_stated, stated

TESTS = Path(__file__).parents[1]
BEGINS = {"pdf": b"%PDF-", "xlsx": b"PK\x03\x04", "csv": b"PK\x03\x04", "html": b"<!DOCTYPE html>"}
DIGESTS = """
from hashlib import sha256
from report_documents import a_second_revision, extremes
from monazite.rendering import FORMS, render
print([sha256(render(report, form)).hexdigest() for report in (a_second_revision(8), extremes()) for form in FORMS])
"""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "report",
    [a_nation(20), a_province(), an_enterprise(), a_plant_report(), a_report(), a_second_revision(12), extremes()],
    ids=["nation", "province", "enterprise", "plant", "empty month", "second revision", "extremes"],
)
def test_every_level_has_every_form(report: TraceabilityReport, form: Form) -> None:
    assert render(report, form).startswith(BEGINS[form])


def test_the_same_document_gives_the_same_bytes_in_any_process_and_zone() -> None:
    printed = [
        subprocess.run(
            [sys.executable, "-c", DIGESTS],
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(TESTS), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "America/St_Johns"), ("4242", "Asia/Shanghai"))
    ]
    assert printed[0] == printed[1]
    assert len(set(eval(printed[0]))) == 2 * len(FORMS)  # noqa: S307 - our own list


def test_the_hash_in_a_file_is_the_stored_documents() -> None:
    written = canonical(a_second_revision(8).model_dump(mode="json"))
    assert document_hash(TraceabilityReport.model_validate_json(written)) == sha256(written).hexdigest()


def test_another_document_gives_other_bytes() -> None:
    first, second = a_report(revision=1), a_report(revision=2)
    assert all(render(first, form) != render(second, form) for form in FORMS)


READERS_LOOK_BACK = 1_000
"""Of bytes: so near its end readers look for what ends a PDF."""


def _longest() -> Scope:
    """With what would end a comment of HTML in its code."""
    return Scope(level="enterprise", code="a-->" + "a" * 60, name="石" * 200)


@pytest.mark.parametrize("form", FORMS)
def test_a_sealed_file_is_whole_and_still_read(form: Form) -> None:
    key = SigningKey(b"k" * 32)
    rendered, says = render(a_report(), form), stated(a_report(scope=_longest()))
    sealed = seal_file(rendered, key, says.words)
    opened = open_sealed(sealed, [key.verify_key])
    assert opened.form == ("zip" if form in {"xlsx", "csv"} else form)
    assert read_stated(opened) == says
    assert len(sealed) - len(rendered) < READERS_LOOK_BACK
    if form == "pdf":
        assert len(PdfReader(BytesIO(sealed)).pages) > 1
    elif form == "xlsx":
        assert openpyxl.load_workbook(BytesIO(sealed)).sheetnames[0] == "report"
    elif form == "csv":
        assert zipfile.ZipFile(BytesIO(sealed)).testzip() is None
    else:
        assert sealed.rstrip().endswith(b"-->")


@pytest.mark.parametrize(("form", "lacking"), [("pdf", "typst"), ("pdf", "fontTools.ttLib"), ("xlsx", "xlsxwriter")])
def test_what_is_not_installed_is_named_with_its_extra(
    form: Form, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("monazite.rendering.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, lacking, None)
    with pytest.raises(ExtraMissingError, match=r"pip install 'monazite\[reports\]'"):
        render(a_report(), form)
