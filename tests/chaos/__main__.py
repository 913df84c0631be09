"""`make chaos`: breaks the platform under load, one fault after another, and prints what became of it."""

import argparse
import asyncio
import logging
import sys
from random import Random
from time import monotonic

from chaos.faults.crashes import Crash, RandomKills
from chaos.faults.servers import BrokerKilled, DatabaseKilled, RegistryChanged
from chaos.load import Load
from chaos.ordeal import Fault, Row, Scene, suffer
from chaos.page import cells, complaints, machine, table
from chaos.seams import SEAMS
from chaos.world import World


def faults(*, long: bool) -> list[Fault]:
    """All of them, in their order."""
    each = 10 if long else 1
    return [
        *(Crash(seam, each) for seam in SEAMS),
        RegistryChanged(),
        RandomKills(100 if long else 4),
        BrokerKilled(5 if long else 1),
        DatabaseKilled(5 if long else 1),
    ]


async def run(chosen: list[Fault], seed: int, rate: int) -> list[Row]:
    """One world, and one fault after another."""
    rows = []
    async with World.opened(seed) as world, Load(world.bootstrap, seed, rate) as load:
        scene = Scene(world, load, Random(seed))
        for fault in chosen:
            began = monotonic()
            row = await suffer(scene, fault)
            rows.append(row)
            print(" | ".join(cells(row)), f"({monotonic() - began:.0f} s, {len(load.account)} messages)", flush=True)
            if not row.holds:
                print(complaints([row]), flush=True)
                break  # what follows would only repeat it
    return rows


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--long", action="store_true", help="every seam ten times, a hundred random kills")
    parser.add_argument("--only", default="", help="faults whose name contains this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=30, help="stories a second; one is a message or several")
    arguments = parser.parse_args()
    chosen = [fault for fault in faults(long=arguments.long) if arguments.only in fault.name]
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # our plants' clients, while the broker is away
    rows = asyncio.run(run(chosen, arguments.seed, arguments.rate))
    print(f"\n{machine()}, seed {arguments.seed}\n\n{table(rows)}\n")
    if not all(row.holds or row.skipped for row in rows) or len(rows) < len(chosen):
        print(complaints(rows))
        sys.exit(1)


if __name__ == "__main__":
    main()
