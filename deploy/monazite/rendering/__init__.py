"""Renders a month's report for people: PDF, XLSX, HTML, a zip of CSV files. The same document gives the same bytes."""

from importlib import import_module
from typing import Final, Literal, get_args

from monazite.errors import CommandError
from monazite_contracts.reports import TraceabilityReport

Form = Literal["pdf", "xlsx", "html", "csv"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

_MODULES: Final[dict[Form, str]] = {
    "pdf": "pdf_document",
    "xlsx": "xlsx_book",
    "html": "html_page",
    "csv": "csv_archive",
}


class ExtraMissingError(CommandError):
    """A form of the report needs what the extra `reports` installs."""


def render(report: TraceabilityReport, form: Form) -> bytes:
    """The report in one form.

    Raises:
        ExtraMissingError: PDF and XLSX need the extra `reports`.
    """
    try:
        module = import_module(f"monazite.rendering.{_MODULES[form]}")
    except ModuleNotFoundError as error:
        needs = f"the report as {form} needs {error.name}, which is not installed: pip install 'monazite[reports]'"
        raise ExtraMissingError(needs) from error
    written: bytes = module.render(report)
    return written
