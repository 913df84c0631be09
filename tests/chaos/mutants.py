"""Changed copies of the shipped code: a run of each must be failed, or the comparison proves nothing."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chaos.faults.calm import Calm, LateCommit
from chaos.faults.crashes import Crash
from chaos.faults.members import Zombie
from chaos.faults.servers import RegistryChanged
from chaos.ordeal import Fault
from chaos.seams import SEAMS

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "contracts/monazite_contracts", ROOT / "consumers/monazite_consumers")
CONSUMERS = "monazite_consumers"


class MutantError(Exception):
    """The text that a mutant replaces is not there exactly once: it proves nothing any more."""


@dataclass(frozen=True)
class Mutant:
    """One change of the code, and the fault that brings it to light."""

    name: str
    path: str
    replacements: tuple[tuple[str, str], ...]
    fault: Fault = field(default_factory=lambda: Calm(6))


def _crash(name: str) -> Fault:
    return Crash(next(seam for seam in SEAMS if seam.name == name), 2)


_IN_TRANSACTION = """        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", REGISTRY_LOCK)
"""

_STORING = """    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", REGISTRY_LOCK)
"""

_MARK = '                await connection.execute(statement("outbox", "mark")'
_BY_CURSOR = (
    "FROM outbox WHERE publication > (SELECT coalesce(max(publication), 0) FROM outbox WHERE published_at IS NOT NULL)"
    " ORDER BY publication LIMIT $1"
)

MUTANTS = (
    Mutant(
        "the position moves before the effect, in a transaction of its own",
        f"{CONSUMERS}/intake/consuming.py",
        (
            ("            await advance(connection, steps)\n", ""),
            (_IN_TRANSACTION, f"        await advance(connection, steps)\n{_IN_TRANSACTION}"),
        ),
        _crash("intake: in it, all written"),
    ),
    Mutant(
        "the position is not checked",
        f"{CONSUMERS}/intake/positions.py",
        (('        raise SupersededError(", ".join(superseded))', "        pass"),),
        Zombie("intake", "intake: in it, all written"),
    ),
    Mutant(
        "an equal value is taken for a fork",
        f"{CONSUMERS}/rules/envelopes.py",
        (("repeats = candidate.hash == occupant.hash or identity in kept", "repeats = identity in kept"),),
    ),
    Mutant(
        "the seal is not verified",
        f"{CONSUMERS}/rules/envelopes.py",
        (("    return None if is_right else refuse(", "    return None if True else refuse("),),
    ),
    Mutant(
        "of two contents under one record id the later is applied",
        f"{CONSUMERS}/rules/statements.py",
        (
            (
                "ordered = sorted(claims, key=lambda claim: claim.order)\n    first",
                "ordered = sorted(claims, key=lambda claim: claim.order, reverse=True)\n    first",
            ),
        ),
    ),
    Mutant(
        "the sign of a draw that is taken back is flipped",
        f"{CONSUMERS}/decisions/effects.py",
        (("changes.draw(claim.plant, draw, current=-1,", "changes.draw(claim.plant, draw, current=1,"),),
    ),
    Mutant(
        "a void is not posted",
        f"{CONSUMERS}/rules/statements.py",
        (
            (
                "    if isinstance(data, st.Void):\n        return None\n",
                "    if isinstance(data, st.Void):\n        return statement\n",
            ),
        ),
    ),
    Mutant(
        "half a gram is rounded up",
        "monazite_contracts/quantities.py",
        (("doubled > denominator or (doubled == denominator and quotient % 2 == 1)", "doubled >= denominator"),),
    ),
    Mutant(
        "lots of a corrected statement stay",
        f"{CONSUMERS}/decisions/effects.py",
        (("        changes.lots_unmade.append(claim.place)", "        pass"),),
    ),
    Mutant(
        "an alert that changes keeps its revision",
        f"{CONSUMERS}/rules/alerts.py",
        (("revision=before.revision + 1", "revision=before.revision"),),
        RegistryChanged(),  # ends what was said of a sender whom nobody knew
    ),
    Mutant(
        "watch does not look at what settles",
        f"{CONSUMERS}/watch/judging.py",
        (("        changes.touched |= settled\n", ""),),
    ),
    Mutant(
        "a registration does not decide again",
        f"{CONSUMERS}/decisions/redeciding.py",
        (("    if plants:\n", "    if False:\n"),),
        RegistryChanged(),
    ),
    Mutant(
        "the relay goes by a cursor over numbers",
        f"{CONSUMERS}/sql/outbox.sql",
        (
            (
                "FROM outbox WHERE published_at IS NULL AND parked_at IS NULL ORDER BY publication LIMIT $1",
                _BY_CURSOR,
            ),
        ),
        LateCommit(),
    ),
    Mutant(
        "the relay marks before it publishes, in a transaction of its own",
        f"{CONSUMERS}/relay/publishing.py",
        ((f"            async with connection.transaction():\n{_MARK}", f"            if True:\n{_MARK}"),),
        _crash("relay: before it publishes"),
    ),
    Mutant(
        "custody is not told of what came to say something else",
        f"{CONSUMERS}/decisions/posting.py",
        (("    if places:\n", "    if False:\n"),),
    ),
    Mutant(
        "custody moves on before it has posted, in a transaction of its own",
        f"{CONSUMERS}/custody/following.py",
        ((_IN_TRANSACTION, _IN_TRANSACTION.replace("async with connection.transaction()", "if True")),),
        _crash("custody: in it, posted and not yet judged"),
    ),
    Mutant(
        "custody keeps what it noticed of a shipment that was received",
        f"{CONSUMERS}/decisions/noticing.py",
        (("    if gone:\n", "    if False:\n"),),
    ),
    Mutant(
        "custody finds every chain lawful that begins somewhere",
        f"{CONSUMERS}/rules/custody.py",
        (('return "parent" if any(', "return None if any("),),
    ),
    Mutant(
        "parts of a split lot are of nothing",
        f"{CONSUMERS}/rules/custody.py",
        (('    if first.step == "split" and parents:', '    if first.step == "nothing" and parents:'),),
    ),
    Mutant(
        "what is left over of a split stays in stock",
        f"{CONSUMERS}/rules/moves.py",
        (('Kind("left_over", Column.USED, -1)', 'Kind("left_over", Column.USED, 0)'),),
    ),
    Mutant(
        "reports are stored and announced one by one",
        f"{CONSUMERS}/reports/closing.py",
        ((_STORING, _STORING.replace("async with connection.transaction()", "if True")),),
        _crash("reports: in it, stored and not yet announced"),
    ),
    Mutant(
        "a month that was judged anew is not compared with its report",
        f"{CONSUMERS}/decisions/reported.py",
        (('    await connection.execute(statement("reports", "restate")', '    (statement("reports", "restate")'),),
    ),
    Mutant(
        "a group's report leaves its members out",
        f"{CONSUMERS}/rules/reports.py",
        (("if scope.code in _above(each.plant.enterprise, basis)]", "if scope.code == each.plant.enterprise]"),),
    ),
    Mutant(
        "a report calls every chain lawful",
        f"{CONSUMERS}/sql/material.sql",
        (("coalesce(sum(net_g) FILTER (WHERE lawful), 0)::bigint AS lawful_g", "sum(net_g)::bigint AS lawful_g"),),
    ),
    Mutant(
        "a report does not say under which registry it was drawn up",
        f"{CONSUMERS}/reports/computing.py",
        (("registry_revision=registry.revision", "registry_revision=1"),),
        RegistryChanged(),
    ),
)


@contextmanager
def made(mutant: Mutant) -> Iterator[Path]:
    """A folder with the changed packages.

    Raises:
        MutantError: a text to replace is not there exactly once.
    """
    with tempfile.TemporaryDirectory(prefix="monazite-mutant-") as name:
        folder = Path(name)
        for package in PACKAGES:
            shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
        path = folder / mutant.path
        text = path.read_text()
        for old, new in mutant.replacements:
            if text.count(old) != 1:
                raise MutantError(f"{mutant.name}: {path.name} has {old!r} {text.count(old)} times")
            text = text.replace(old, new)
        path.write_text(text)
        yield folder
