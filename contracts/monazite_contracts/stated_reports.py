"""What each file of a report says of itself, whatever its form: whose month it is, which revision, read how far."""

from hashlib import sha256
from typing import Annotated

from pydantic import Field, ValidationError

from monazite_contracts.envelope import canonical
from monazite_contracts.identifiers import Sha256, Text
from monazite_contracts.model import Contract
from monazite_contracts.report_lines import Count
from monazite_contracts.reports import Level, TraceabilityReport
from monazite_contracts.sealed_files import Sealed
from monazite_contracts.times import Instant, Month


class StatedReport(Contract):
    """A report without its lines. It stays short: readers look for a PDF's end in its last kilobyte."""

    level: Level
    code: Text
    month: Month
    revision: Annotated[int, Field(ge=1)]
    preliminary: bool
    simulated: bool
    hash: Sha256
    """Of the document, which names each partition's offset."""
    partitions: Count
    offsets: Count
    """Of all partitions together: so many messages had been decided."""
    registry_revision: Count
    outage_revision: Count
    judged_at: Instant
    known_until: Instant
    release: Text

    @property
    def words(self) -> bytes:
        """As it stands in a file: on one line, and what would end a comment is escaped."""
        written = canonical(self.model_dump(mode="json"))
        return written.replace(b"--", b"-\\u002d").replace(b">", b"\\u003e")


def stated(report: TraceabilityReport) -> StatedReport:
    """What a report's files say."""
    position = report.position
    return StatedReport(
        level=report.scope.level, code=report.scope.code, month=report.month, revision=report.revision,
        preliminary=report.preliminary, simulated=report.simulated,
        hash=sha256(canonical(report.model_dump(mode="json"))).hexdigest(),
        partitions=len(position.partitions), offsets=sum(each.next_offset for each in position.partitions),
        registry_revision=position.registry_revision, outage_revision=position.outage_revision,
        judged_at=position.judged_at, known_until=position.known_until, release=position.release,
    )  # fmt: skip


def read_stated(sealed: Sealed) -> StatedReport:
    """What a sealed file says.

    Raises:
        ValueError: it says nothing that this release knows; the message says how much is wrong.
    """
    try:
        if sealed.form == "json":
            return stated(TraceabilityReport.model_validate_json(sealed.content))
        return StatedReport.model_validate_json(sealed.says)
    except ValidationError as error:
        raise ValueError(f"{error.error_count()} differences") from error
