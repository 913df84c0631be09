"""A month's traceability report: one document for plant, enterprise, province or nation, summed from the same rows."""

from typing import Annotated, Literal

from pydantic import Field

from monazite_contracts.identifiers import Sha256, Text
from monazite_contracts.model import Contract
from monazite_contracts.report_lines import (
    AmendmentLine,
    BalanceLine,
    CapLine,
    ConditionLine,
    Count,
    CoverageLine,
    DeclarationLine,
    Difference,
    FlowLine,
    OpenShipmentLine,
    OutputLine,
    PartLine,
    Plant,
    ShipmentTotal,
)
from monazite_contracts.times import Day, Instant, Month

Level = Literal["nation", "province", "enterprise", "plant"]


class Scope(Contract):
    """Whose month it is. Every level sums the same rows, those of its plants."""

    level: Level
    """Of whom."""
    code: Text
    """Of the plant, enterprise or province; `nation` for the whole."""
    name: Text
    """As registered."""


class PartitionPosition(Contract):
    """How far one partition had been decided."""

    topic: Text
    """Name."""
    partition: Count
    """Number."""
    generation: Count
    """Of the log: grows when another log took the place of the one that was read."""
    next_offset: Count
    """The first offset that played no part."""


class Position(Contract):
    """All that the figures depend on. The same position on the same release gives the same bytes."""

    partitions: tuple[PartitionPosition, ...]
    """By topic and partition."""
    registry_revision: Count
    """Of the registry in force."""
    outage_revision: Count
    """The newest recorded outage that played a part; 0 before the first."""
    judged_at: Instant
    """As of when absences and deadlines were judged."""
    known_until: Instant
    """Everything that had arrived by then was known: nobody was taken to be missing for what came later."""
    release: Text
    """Version of the platform."""


class Before(Contract):
    """The report that this one is compared with."""

    month: Month
    revision: Annotated[int, Field(ge=1)]
    """Its number."""
    hash: Sha256
    """Of its canonical form."""


class TraceabilityReport(Contract):
    """A closed month's statement, numbered by revision. Lines stand in the order of their words."""

    type: Literal["monazite.traceability-report.v1"]
    scope: Scope
    month: Month
    from_day: Day
    to_day: Day
    preliminary: bool
    """True: computed before the month was closed; it will change, and nobody may rely on it. Every page says so."""
    revision: Annotated[int, Field(ge=1)]
    """Of a preliminary one: the number that the next revision would have."""
    position: Position
    simulated: bool
    """True: plants on this platform are simulated, and nothing here happened."""
    compared_with: Before | None
    """The revision before; for a first one the month before's newest, if there is one."""
    plants: tuple[Plant, ...]
    """That somebody ran in the month, or of which something is told."""
    parts: tuple[PartLine, ...]
    """Of a nation its provinces and enterprises, of a province its enterprises."""
    caps: tuple[CapLine, ...]
    """Of the holders in scope; a province and a plant have none: caps go to the nation and to their holders."""
    output: tuple[OutputLine, ...]
    """What was made, by origin of feed (R4)."""
    flows: tuple[FlowLine, ...]
    """Two lines a plant and product: grams of product, and of REO."""
    balances: tuple[BalanceLine, ...]
    """Feed against product of each process step."""
    coverage: tuple[CoverageLine, ...]
    """How much of what was made has an unbroken lawful chain (R8)."""
    shipments: tuple[ShipmentTotal, ...]
    """Dispatched in the month, as they stand."""
    open_shipments: tuple[OpenShipmentLine, ...]
    """Overdue ones first; at most a thousand."""
    open_shipments_total: Count
    """How many there are in all."""
    overdue_shipments_total: Count
    """Of those, how many somebody should have answered by the instant of the position."""
    declarations: tuple[DeclarationLine, ...]
    """Who owed the month's flow record, and whether it came."""
    conditions: tuple[ConditionLine, ...]
    """That hold: about the month, and about earlier ones that are still open."""
    cleared: tuple[ConditionLine, ...]
    """That the report compared with listed, and that are raised no longer, whoever's they are now."""
    amendments: tuple[AmendmentLine, ...]
    """At most a thousand, the newest first."""
    amendments_total: Count
    """How many there are in all."""
    differences: tuple[Difference, ...]
    """To the revision before; none in a first one."""
