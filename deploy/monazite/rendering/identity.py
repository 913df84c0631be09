"""What a report says of itself: whose month, which revision, read how far, and the hash that it is known by."""

from monazite.rendering.figures import ZONE, minute
from monazite.rendering.headline import document_hash
from monazite_contracts.reports import TraceabilityReport

TITLE = "Monthly traceability report"
TITLE_ZH = "稀土产品追溯月报"
SIMULATED = "SIMULATED: the plants on this platform are simulated, and nothing here happened."
PRELIMINARY = "PRELIMINARY: computed before the month was closed; it will change, and nobody may rely on it."


def name_of(report: TraceabilityReport) -> str:
    """Whose month it is: the nation's name is not registered anywhere."""
    return "Nation 全国" if report.scope.level == "nation" else report.scope.name


def scope_of(report: TraceabilityReport) -> str:
    """Whose month, in words."""
    level, code = report.scope.level, report.scope.code
    return name_of(report) if level == "nation" else f"{name_of(report)} ({level} {code})"


def banners(report: TraceabilityReport) -> tuple[str, ...]:
    """What nobody may overlook."""
    return ((SIMULATED,) if report.simulated else ()) + ((PRELIMINARY,) if report.preliminary else ())


def identity(report: TraceabilityReport) -> tuple[tuple[str, str], ...]:
    """What it is, in pairs."""
    position, before = report.position, report.compared_with
    read = sum(partition.next_offset for partition in position.partitions)
    compared = f"{before.month} revision {before.revision}, {before.hash}" if before else "nothing: none came before"
    return (
        ("report", TITLE),
        ("level", report.scope.level),
        ("code", report.scope.code),
        ("name", name_of(report)),
        ("month", report.month),
        ("from", report.from_day),
        ("to", report.to_day),
        ("revision", str(report.revision)),
        ("hash", document_hash(report)),
        ("judged at", f"{minute(position.judged_at)} ({ZONE})"),
        ("registry revision", str(position.registry_revision)),
        ("outage revision", str(position.outage_revision)),
        ("read", f"{len(position.partitions)} partitions, offsets adding up to {read}"),
        ("release", position.release),
        ("compared with", compared),
        ("warning", " ".join(banners(report)) or "none"),
    )
