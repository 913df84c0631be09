"""`make chaos`: breaks the platform under load, one fault after another, and prints what became of it."""

import argparse
import asyncio
import logging
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from random import Random

from chaos.faults.calm import Calm, LateCommit
from chaos.faults.crashes import EverySeam, RandomKills
from chaos.faults.databases import Deadlock, DiskFull, OutOfConnections, ReadOnly, StatementTimeout
from chaos.faults.logs import SegmentsDeleted, TopicMadeAnew
from chaos.faults.members import ZOMBIES, AllZombies, Members
from chaos.faults.networks import BothAway, BrokerCut, DatabaseCut, DatabaseSilent
from chaos.faults.producers import TransactionalProducer
from chaos.faults.restores import Restored
from chaos.faults.servers import BrokerKilled, DatabaseKilled, RegistryChanged
from chaos.faults.truncations import CutAboveThePosition, CutBelowThePosition
from chaos.load import Load
from chaos.mutants import MUTANTS, Mutant, made
from chaos.ordeal import Fault, Row, Scene, held_against_the_account, suffer
from chaos.page import cells, complaints, made_by, mutant_cells, mutant_table, put, recorded, table
from chaos.world import World

MESSAGES_MAX = 9_000
"""A world is left for a new one at such an account: comparing takes longer the longer it is."""
MUTANT_PATIENCE_S = 40


def faults(*, long: bool) -> list[Fault]:
    """All of them, in their order."""
    each, some = (10, 5) if long else (1, 1)
    return [
        Calm(30 if long else 3),
        *(EverySeam() for _ in range(each)),
        LateCommit(),
        RegistryChanged(2 if long else 0),  # deciding a long ledger again takes a while
        *([RandomKills(10)] * 10 if long else [RandomKills(4)]),
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
        BothAway(),
        *([DatabaseSilent()] if long else []),
    ]


async def run(chosen: list[Fault], arguments: argparse.Namespace) -> AsyncIterator[Row]:
    """One fault after another, in one world until its account has become long; held against it so many together."""
    waiting, worlds, seed = deque(chosen), 0, arguments.seed
    while waiting:
        number, worlds = seed + worlds, worlds + 1
        async with World.opened(number) as world, Load(world.bootstrap, number, arguments.rate) as load:
            scene = Scene(world, load, Random(number))
            while waiting and len(load.account) < MESSAGES_MAX:
                some = [waiting.popleft() for _ in range(min(arguments.together, len(waiting)))]
                rows = await _suffered_together(scene, some)
                for fault, row in zip(some, rows, strict=True):
                    for name, times in fault.struck().items():
                        yield replace(row, fault=name, times=times)
                if not all(row.holds for row in rows):
                    return  # what follows would only repeat it


async def _suffered_together(scene: Scene, faults: list[Fault]) -> list[Row]:
    """Each in its turn; what one of them did to the end state, all of them answer for."""
    rows = []
    for fault in faults:
        rows.append(await suffer(scene, fault))
        print(
            " | ".join(cells(rows[-1])), f"({_parts(rows[-1].spent_s)}; {len(scene.load.account)} messages)", flush=True
        )
        if rows[-1].failures:
            break
    verdict = await held_against_the_account(scene, proves=max(fault.proves for fault in faults))
    print(f"held against the account ({_parts(verdict.spent_s)})", flush=True)
    rows += [Row(fault.name, skipped="one before it failed") for fault in faults[len(rows) :]]
    return [replace(row, verdict=verdict) for row in rows]


def _parts(spent_s: Mapping[str, float]) -> str:
    return ", ".join(f"{part} {seconds:.1f} s" for part, seconds in spent_s.items())


async def run_mutants(chosen: list[Mutant], seed: int, rate: int) -> list[tuple[Mutant, Row]]:
    """Each mutant in a world of its own; every run must be failed."""
    rows = []
    for mutant in chosen:
        with made(mutant) as folder:
            async with World.opened(seed, folder) as world, Load(world.bootstrap, seed, rate) as load:
                scene = Scene(world, load, Random(seed), patience_s=MUTANT_PATIENCE_S)
                row = await suffer(scene, mutant.fault)
                row.verdict = await held_against_the_account(scene, proves=mutant.fault.proves)
        rows.append((mutant, row))
        print(" | ".join(mutant_cells(mutant.name, row)), flush=True)
    return rows


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--long", action="store_true", help="every seam ten times, a hundred random kills")
    parser.add_argument("--mutants", action="store_true", help="changed copies of the code: each must be found out")
    parser.add_argument("--add", action="store_true", help="a part of a long run: adds to the rows that are recorded")
    parser.add_argument("--only", default="", help="faults whose names contain one of these, or mutants: A,B")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=30, help="stories a second; one is a message or several")
    parser.add_argument("--together", type=int, help="faults after which the end state is compared: 3, of a long run 1")
    arguments = parser.parse_args()
    arguments.together = arguments.together or (1 if arguments.long else 3)
    if arguments.add and not arguments.long:
        parser.error("--add is for parts of a long run: add --long")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends us, nothing stays behind
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # our plants' clients, while the broker is away
    status = _mutants(arguments) if arguments.mutants else _faults(arguments)
    sys.exit(status)


def _mutants(arguments: argparse.Namespace) -> int:
    chosen = [mutant for mutant in MUTANTS if any(part in mutant.name for part in arguments.only.split(","))]
    suffered = asyncio.run(run_mutants(chosen, arguments.seed, arguments.rate))
    text = f"{made_by('--mutants', arguments.seed)}\n\n{mutant_table(suffered)}"
    print(f"\n{text}\n")
    if not arguments.only:
        put("mutants", text)
    return int(any(row.holds for _, row in suffered))


async def _suffered(arguments: argparse.Namespace, chosen: list[Fault], told: Callable[[Row], None]) -> list[Row]:
    rows = []
    async with aclosing(run(chosen, arguments)) as running:
        async for row in running:
            rows.append(row)
            told(row)
    return rows


def _faults(arguments: argparse.Namespace) -> int:
    parts = arguments.only.split(",")
    chosen = [
        fault for fault in faults(long=arguments.long) if any(part in name for part in parts for name in fault.struck())
    ]
    heading = made_by(_command(arguments), arguments.seed)

    def keep(row: Row) -> None:
        if arguments.add:
            put("long", f"{heading}\n\n{recorded('long', [row])}")

    rows = asyncio.run(_suffered(arguments, chosen, keep))
    print(f"\n{heading}\n\n{table(rows)}\n\n{complaints(rows)}")
    if not arguments.add and not arguments.only:
        put("long" if arguments.long else "short", f"{heading}\n\n{table(rows)}")
    return int(
        len(rows) < sum(len(fault.struck()) for fault in chosen) or not all(row.holds or row.skipped for row in rows)
    )


def _command(arguments: argparse.Namespace) -> str:
    return f'"--long{" --add" if arguments.add else ""}"' if arguments.long else ""


if __name__ == "__main__":
    main()
