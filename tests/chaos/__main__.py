"""`make chaos`: breaks the platform under load, one fault after another, and prints what became of it."""

import argparse
import asyncio
import logging
import signal
import sys
from random import Random
from time import monotonic

from chaos.faults.calm import Calm, LateCommit
from chaos.faults.crashes import Crash, EverySeam, RandomKills
from chaos.faults.databases import Deadlock, DiskFull, OutOfConnections, ReadOnly, StatementTimeout
from chaos.faults.logs import SegmentsDeleted, TopicMadeAnew
from chaos.faults.members import ZOMBIES, AllZombies, Members
from chaos.faults.networks import BrokerCut, DatabaseCut, DatabaseSilent
from chaos.faults.producers import TransactionalProducer
from chaos.faults.restores import Restored
from chaos.faults.servers import BrokerKilled, DatabaseKilled, RegistryChanged
from chaos.faults.truncations import CutAboveThePosition, CutBelowThePosition
from chaos.load import Load
from chaos.mutants import MUTANTS, Mutant, made
from chaos.ordeal import Fault, Row, Scene, suffer
from chaos.page import cells, complaints, made_by, mutant_cells, mutant_table, put, table
from chaos.seams import SEAMS
from chaos.world import World


def faults(*, long: bool) -> list[Fault]:
    """All of them, in their order."""
    each, some = (10, 5) if long else (1, 1)
    return [
        Calm(30 if long else 3),
        *([Crash(seam, each) for seam in SEAMS] if long else [EverySeam()]),
        LateCommit(),
        RegistryChanged(),
        RandomKills(100 if long else 4),
        BrokerKilled(some),
        DatabaseKilled(some),
        Restored(),
        OutOfConnections(),
        ReadOnly(),
        StatementTimeout(),
        Deadlock(some),
        DiskFull(),
        *(ZOMBIES if long else [AllZombies()]),
        Members(some),
        TransactionalProducer(each),
        SegmentsDeleted(),
        TopicMadeAnew(),
        CutAboveThePosition(),
        CutBelowThePosition(),
        *(
            cut(swallows=silently)
            for cut in (DatabaseCut, BrokerCut)
            for silently in ((False, True) if long else (False,))
        ),
        *([DatabaseSilent()] if long else []),
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
                if not row.verdict.holds:
                    break  # what follows would only repeat it
    return rows


async def run_mutants(chosen: list[Mutant], seed: int, rate: int) -> list[tuple[Mutant, Row]]:
    """Each mutant in a world of its own; every run must be failed."""
    rows = []
    for mutant in chosen:
        with made(mutant) as folder:
            async with World.opened(seed, folder) as world, Load(world.bootstrap, seed, rate) as load:
                row = await suffer(Scene(world, load, Random(seed)), mutant.fault)
        rows.append((mutant, row))
        print(" | ".join(mutant_cells(mutant.name, row)), flush=True)
    return rows


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--long", action="store_true", help="every seam ten times, a hundred random kills")
    parser.add_argument("--mutants", action="store_true", help="changed copies of the code: each must be found out")
    parser.add_argument("--only", default="", help="faults, or mutants, whose name contains this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=30, help="stories a second; one is a message or several")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends us, nothing stays behind
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # our plants' clients, while the broker is away
    status = _mutants(arguments) if arguments.mutants else _faults(arguments)
    sys.exit(status)


def _mutants(arguments: argparse.Namespace) -> int:
    chosen = [mutant for mutant in MUTANTS if arguments.only in mutant.name]
    suffered = asyncio.run(run_mutants(chosen, arguments.seed, arguments.rate))
    _tell(arguments, "mutants", mutant_table(suffered))
    return int(any(row.holds for _, row in suffered))


def _faults(arguments: argparse.Namespace) -> int:
    chosen = [fault for fault in faults(long=arguments.long) if arguments.only in fault.name]
    rows = asyncio.run(run(chosen, arguments.seed, arguments.rate))
    _tell(arguments, "long" if arguments.long else "short", table(rows))
    print(complaints(rows))
    return int(len(rows) < len(chosen) or not all(row.holds or row.skipped for row in rows))


def _tell(arguments: argparse.Namespace, section: str, found: str) -> None:
    """Prints a result; a whole run's goes into the page too."""
    text = f"{made_by('' if section == 'short' else f'--{section}', arguments.seed)}\n\n{found}"
    print(f"\n{text}\n")
    if not arguments.only:
        put(section, text)


if __name__ == "__main__":
    main()
