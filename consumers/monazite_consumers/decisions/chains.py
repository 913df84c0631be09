"""Notices envelopes that do not name the one before them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import WHOLE, Changes
from monazite_consumers.decisions.sequences import SequenceKey, Sequences, gateways_of
from monazite_consumers.rules.production import Finding
from monazite_consumers.sql import statement
from monazite_contracts.months import day_of
from monazite_contracts.receipts import Outcome


class _Link(NamedTuple):
    message: int
    hash: bytes
    previous: bytes | None
    arrived_at: datetime
    is_refused: bool
    """Refused by content: then what it says of the one before it may not be readable."""
    is_new: bool


async def check_chain(connection: Connection, sequences: Sequences, changes: Changes) -> None:
    """Looks on both sides of every sequence that has another occupant than before."""
    moved = {key for key in sequences.touched if sequences.moved(key)}
    if not moved:
        return
    links = await _stored_links(connection, sequences, moved)
    for v in sequences.verdicts.values():
        if v.occupies and v.source is not None and v.sequence is not None:
            refused, is_new = v.reason is not None, v.message in sequences.fresh
            link = _Link(v.message, v.hash, v.previous, v.coordinate.arrived_at, refused, is_new)
            links[v.source, v.sequence] = link
    await _judge_links(connection, moved, links, changes)


async def _stored_links(
    connection: Connection, sequences: Sequences, moved: set[SequenceKey]
) -> dict[SequenceKey, _Link]:
    verdicts = sequences.verdicts.values()
    new = {(v.source, v.sequence) for v in verdicts if v.occupies}
    gone = sequences.leaving | set(sequences.falling) | {v.message for v in verdicts if not v.occupies}
    around = {(source, sequence + step) for source, sequence in moved for step in (-1, 0, 1)}
    wanted = [key for key in around if key not in new and key[1] > 0]
    if not wanted:
        return {}
    rows = await connection.fetch(
        statement("envelopes", "neighbours"), [source for source, _ in wanted], [sequence for _, sequence in wanted]
    )
    return {(row["source"], row["sequence"]): _stored_link(row) for row in rows if row["message"] not in gone}


def _stored_link(row: Any) -> _Link:
    refused = row["outcome"] == Outcome.REFUSED
    return _Link(row["message"], row["hash"], row["previous"], row["arrived_at"], refused, is_new=False)


async def _judge_links(
    connection: Connection, moved: set[SequenceKey], links: Mapping[SequenceKey, _Link], changes: Changes
) -> None:
    broken: list[tuple[int, _Link]] = []
    for source, sequence in sorted({(source, sequence + step) for source, sequence in moved for step in (0, 1)}):
        link, before = links.get((source, sequence)), links.get((source, sequence - 1))
        if link is None:
            continue
        if not link.is_new:
            changes.unfind((link.message, WHOLE), "chain-broken")
        fits = link.previous is None if sequence == 1 else before is None or link.previous == before.hash
        if not fits and not link.is_refused:
            broken.append((source, link))
    gateways = await gateways_of(connection, {source for source, _ in broken}) if broken else {}
    for source, link in broken:
        at = link.arrived_at
        changes.find((link.message, WHOLE), Finding("chain-broken", gateways[source], f"{day_of(at)}", at))
