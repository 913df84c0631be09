"""The numbers that matter, on the first page of every format."""

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from monazite.rendering.figures import share_ppm
from monazite.rendering.naming import CAP_KINDS, cap_kind
from monazite_contracts.envelope import canonical
from monazite_contracts.report_lines import CapLine
from monazite_contracts.reports import TraceabilityReport

SUMMED: Final = (
    "Granted + over their caps + drawn without a cap = drawn + headroom. A group stands for its members; "
    "overruns count members too."
)
"""How the first page's figures of a kind of cap hang together."""
ACTIVITIES: Final = ("mined", "separated", "smelted", "recovered")
SEVERITIES: Final = ("critical", "serious", "warning", "information")
OPEN: Final = frozenset({"not due", "reminded"})


@dataclass(frozen=True, slots=True)
class CapTotal:
    """All holders of one kind of cap: granted + over + uncapped = drawn + headroom.

    A group stands for its members: where one of them is over, the group need not be.
    """

    kind: str
    holders: int
    not_issued: int
    granted_g: int
    drawn_g: int
    headroom_g: int
    """What is left to those who have not drawn all; nobody else's overrun makes it less."""
    over_g: int
    """What those who drew more than they were granted drew beyond it."""
    uncapped_g: int
    """Drawn by those to whom nothing is issued yet."""
    projected_g: int
    overrun_at_end: int
    """How many holders, members too, had by the month's end drawn more than they were granted."""
    overrun_then: int
    """How many had on some day of the year drawn more than was issued by then."""


@dataclass(frozen=True, slots=True)
class Headline:
    """What an official looks at first."""

    caps: tuple[CapTotal, ...]
    made_g: tuple[int, ...]
    """In the order of `ACTIVITIES`, oxide equivalent."""
    owed: int
    filed: int
    late: int
    missing: int
    awaited: int
    """Owed, and their deadline is still to come."""
    excused: int
    """Of those owed."""
    coverage_ppm: int | None
    open_custody: int
    overdue: int
    conditions: tuple[int, ...]
    """In the order of `SEVERITIES`."""


def headline(report: TraceabilityReport) -> Headline:
    """Counts and sums; nothing is estimated here."""
    status = Counter(line.status for line in report.declarations)
    severity = Counter(line.severity for line in report.conditions)
    made_g, lawful_g = sum(c.made_g for c in report.coverage), sum(c.lawful_g for c in report.coverage)
    return Headline(
        caps=tuple(_cap_total(report, kind) for kind in CAP_KINDS if any(c.kind == kind for c in report.caps)),
        made_g=tuple(sum(o.reo_g for o in report.output if o.activity == activity) for activity in ACTIVITIES),
        owed=len(report.declarations),
        filed=sum(line.filed_at is not None for line in report.declarations),
        late=status["late"],
        missing=status["missing"],
        awaited=sum(status[word] for word in OPEN),
        excused=status["excused"],
        coverage_ppm=share_ppm(lawful_g, made_g),
        open_custody=report.open_shipments_total,
        overdue=report.overdue_shipments_total,
        conditions=tuple(severity[word] for word in SEVERITIES),
    )


def _cap_total(report: TraceabilityReport, kind: str) -> CapTotal:
    lines = [line for line in outermost(report) if line.kind == kind]
    left = [line.granted_g - line.drawn_g for line in lines if line.granted_g is not None]
    every = [line for line in report.caps if line.kind == kind]
    return CapTotal(
        kind=cap_kind(kind),
        holders=len(lines),
        not_issued=len(lines) - len(left),
        granted_g=sum(line.granted_g or 0 for line in lines),
        drawn_g=sum(line.drawn_g for line in lines),
        headroom_g=sum(left_g for left_g in left if left_g > 0),
        over_g=sum(-left_g for left_g in left if left_g < 0),
        uncapped_g=sum(line.drawn_g for line in lines if line.granted_g is None),
        projected_g=sum(line.projected_g for line in lines),
        overrun_at_end=sum(line.granted_g is not None and line.drawn_g > line.granted_g for line in every),
        overrun_then=sum(line.overrun_then_g > 0 for line in every),
    )


def outermost(report: TraceabilityReport) -> list[CapLine]:
    """The caps that no other line of the report includes: those of groups and of holders without a group here."""
    told = {(line.holder, line.kind) for line in report.caps}
    return [line for line in report.caps if line.group is None or (line.group, line.kind) not in told]


def overruns(report: TraceabilityReport, cap: CapTotal) -> str:
    """How many caps were overrun, and when: alerts about them are judged at another instant."""
    return f"{cap.overrun_at_end:,} on {report.to_day}, {cap.overrun_then:,} in the year"


def document_hash(report: TraceabilityReport) -> str:
    """SHA-256 of the report's canonical form: what a file is told by, in every format."""
    return sha256(canonical(report.model_dump(mode="json"))).hexdigest()
