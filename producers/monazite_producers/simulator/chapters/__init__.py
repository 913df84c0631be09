"""The chapters of a simulated year, one scene each."""

from monazite_producers.simulator.chapters.batches import Batches
from monazite_producers.simulator.chapters.clerks import CarelessOffice, OrdinaryAmendments
from monazite_producers.simulator.chapters.content import (
    Forgeries,
    LotMadeTwice,
    Malformed,
    OreAtARecycler,
    WrongClaims,
)
from monazite_producers.simulator.chapters.declaring import Duties, LateRecord, MissingRecord, NilRecords, WrongRecord
from monazite_producers.simulator.chapters.delivery import (
    DuplicateFlood,
    Fork,
    Gaps,
    LateRegistration,
    OfflineGateway,
    Restart,
)
from monazite_producers.simulator.chapters.exports import ExportOverLicence
from monazite_producers.simulator.chapters.invented import Scene
from monazite_producers.simulator.chapters.origins import BrokenChain, Laundering
from monazite_producers.simulator.chapters.overruns import CoveredOverrun, HiddenOverrun, LastingOverrun, Unlisted
from monazite_producers.simulator.chapters.waybills import Waybills
from monazite_producers.simulator.world import World

SCENES: tuple[type[Scene], ...] = (
    Batches,
    CoveredOverrun,
    LastingOverrun,
    Unlisted,
    DuplicateFlood,
    OfflineGateway,
    OrdinaryAmendments,
    HiddenOverrun,
    Forgeries,
    Malformed,
    LateRegistration,
    Fork,
    Gaps,
    WrongClaims,
    LotMadeTwice,
    OreAtARecycler,
    CarelessOffice,
    Waybills,
    LateRecord,
    MissingRecord,
    NilRecords,
    WrongRecord,
    BrokenChain,
    Laundering,
    ExportOverLicence,
    Duties,
    Restart,
)
"""In the order in which they play on a day; duties and restarts come last, when everybody is there."""


def cast(world: World) -> list[Scene]:
    """Sets every scene up in a world."""
    return [scene(world) for scene in SCENES]
