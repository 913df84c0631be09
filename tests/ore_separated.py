"""A small chain that commands are asked about: ore of two origins, separated, and more of it under way."""

from datetime import UTC, datetime

import pytest
from custody_talk import SEPARATION, judged, the_chain
from regulator_desk import MINE, Desk

from monazite_contracts.builders import a_dispatch, a_production, a_receipt_of_goods, a_separation, an_import, an_input

AT = datetime(2023, 5, 20, tzinfo=UTC)
ORE, OXIDE, IMPORT = f"{MINE}/R-1", f"{SEPARATION}/S-1", f"{SEPARATION}/I-1"


@pytest.fixture
async def chain(desk: Desk) -> Desk:
    """Ore of the mine and imported ore, separated; the second shipment of ore is under way."""
    await desk.declare(the_chain())
    inputs = [an_input(net_mass_kg="18000.000"), an_input(lot=IMPORT, net_mass_kg="6000.000")]
    await judged(
        desk, a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"),
        an_import(record="I-1", plant=SEPARATION), a_separation(record="S-1", inputs=inputs),
        a_production(record="R-2"), a_dispatch(record="D-3", waybill="WB-[bold]2", lines=[
            {"lot": f"{MINE}/R-2", "product": "bastnaesite-concentrate", "net_mass_kg": "20000.000"}
        ]), at=AT,
    )  # fmt: skip
    return desk
