"""One CSV file a topic (RFC 4180, UTF-8, units in the header) in a zip whose bytes follow from the document."""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from monazite.rendering.figures import ZONE, deadline, local, plain_tonnes, seen
from monazite.rendering.identity import identity
from monazite.rendering.tables import Cell, Column, Figure, Kind, Named, Table
from monazite.rendering.topics import tables
from monazite_contracts.quantities import percent
from monazite_contracts.reports import TraceabilityReport

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def render(report: TraceabilityReport) -> bytes:
    """The zip."""
    written = io.BytesIO()
    stamp = local(report.position.judged_at)
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _files(report):
            entry = zipfile.ZipInfo(f"{name}.csv", stamp.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # whatever machine writes it
            archive.writestr(entry, text.encode())
    return written.getvalue()


def _files(report: TraceabilityReport) -> Iterator[tuple[str, str]]:
    yield "report", _text([("about", "is"), *identity(report)])
    for table in tables(report):
        headers = [heading for column in table.columns for heading in headings(column)]
        cells = ([text for cell in _line(table, row) for text in cell] for row in table.rows)
        yield table.topic, _text([headers, *cells])


def headings(column: Column) -> list[str]:
    """A column's header; a code and its name are two columns, a figure and its unit too."""
    if column.kind is Kind.NAMED:
        return [column.title, f"{column.title} name"]
    if column.kind is Kind.FIGURE:
        return [column.title, f"{column.title} unit"]
    return [column.heading]


def _line(table: Table, row: tuple[Cell, ...]) -> Iterator[list[str]]:
    for column, cell in zip(table.columns, row, strict=True):
        if isinstance(cell, Named):
            yield [cell.code, cell.name]
        elif isinstance(cell, Figure):
            yield [_cell(cell.kind, cell.value), UNIT_OF.get(cell.kind, "")]
        else:
            yield [_cell(column.kind, cell)]


UNIT_OF: Final = {Kind.MASS: "t", Kind.SHARE: "%", Kind.INSTANT: ZONE, Kind.DEADLINE: ZONE}


class _Exact(str):
    """A number of ours: it may begin with a minus."""

    __slots__ = ()


def _cell(kind: Kind, cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return deadline(cell) if kind is Kind.DEADLINE else _Exact(local(cell).isoformat(sep=" "))
    if isinstance(cell, int):
        return _Exact({Kind.MASS: plain_tonnes, Kind.SHARE: percent}.get(kind, str)(cell))
    return str(cell)


def _text(rows: Sequence[Sequence[str]]) -> str:
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_harmless(text) for text in row])
    return written.getvalue()


def _harmless(text: str) -> str:
    """Names come from a registry and from plants: none becomes a formula when a spreadsheet opens the file."""
    if isinstance(text, _Exact):
        return text
    shown = seen(text)
    return f"'{shown}" if text.startswith(_FORMULA) or shown.startswith(_FORMULA) else shown
