"""Verifies custody: moves against statements, sums against moves, and what every noun was found to be against both."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from monazite_consumers.database import WORLD_IS_BAD, Connection
from monazite_consumers.decisions.current import Current, read_current, saying
from monazite_consumers.decisions.custody import LOTS, asked_of, examine_lots, filled, read_labels
from monazite_consumers.decisions.following import MESSAGES, move_rows, past_rows, stated_row
from monazite_consumers.decisions.licences import LICENCES, examine_licences
from monazite_consumers.decisions.months import MONTHS, examine_months
from monazite_consumers.decisions.noticing import Noticed, storable
from monazite_consumers.decisions.shipments import SHIPMENTS, examine_shipments, returning
from monazite_consumers.rules.move_rows import MoveRow, PastMove
from monazite_consumers.rules.moves import is_output, own
from monazite_consumers.rules.obligations import owed_months
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.shipments import Line
from monazite_consumers.sql import statement
from monazite_consumers.verifying.material import check_material
from monazite_consumers.verifying.misfits import MISFITS_MAX, Misfit, Report

_LAST: Final = 2**63 - 1

_CHANGED: Final = (AssertionError, IndexError, KeyError)
"""What reading a statement comes to whose bytes or event were changed, which is said of them already."""


async def check_custody(connection: Connection, registry: Registry, judged_at: datetime, report: Report) -> None:
    """All of it, as far as custody has come; what it is still to follow or to judge is not held against it."""
    await _check_followed(connection, report)
    await _check_sums(connection, report)
    await _check_lots(connection, registry, report)
    await _check_shipments(connection, registry, report)
    await _check_licences(connection, registry, report)
    await _check_months(connection, registry, judged_at, report)


async def _check_followed(connection: Connection, report: Report) -> None:
    """Every current statement up to where custody has come, against the moves and the statements that it kept."""
    (reached,) = await connection.fetch(statement("following", "reached"))
    after, through = 0, 0
    while through < _LAST:
        rows = await connection.fetch(statement("following", "next"), after, reached["followed"], MESSAGES)
        through = rows[-1]["message"] if len(rows) == MESSAGES else _LAST
        unsettled = await connection.fetch(statement("verifying_custody", "unsettled"), after, through)
        apart = {(row["message"], row["index"]) for row in unsettled}
        said = [each for each in await _current(connection, rows) if each.place not in apart]
        until = {place: until for row in rows for place, until in saying(row)}
        current = [each for each in said if until[each.place] is None]
        was = {row for each in said if (at := until[each.place]) is not None for row in past_rows(each, at)}
        found = await connection.fetch(statement("verifying_custody", "past_moves"), after, through)
        _compare_rows(
            report, "past_moves", was, {PastMove(*row.values()) for row in found if tuple(row)[:2] not in apart}
        )
        found = await connection.fetch(statement("verifying_custody", "moves"), after, through)
        moves = [MoveRow(*row.values()) for row in found]
        expected = {row for now in current for row in move_rows(now)}
        kept = {_as_said(row) for row in moves if (row.message, row.index) not in apart}
        _compare_rows(report, "moves", expected, kept)
        found = await connection.fetch(statement("verifying_custody", "stated"), after, through)
        stated = {row[:2]: row for now in current if (row := stated_row(now)) is not None}
        _compare(
            report, "stated", stated, {(r["message"], r["index"]): tuple(r) for r in found if tuple(r)[:2] not in apart}
        )
        after = through


async def _current(connection: Connection, rows: Sequence[Any]) -> list[Current]:
    """What statements say that can still be read."""
    try:
        return await read_current(connection, [row for row in rows if row["value"] is not None])
    except _CHANGED:
        if len(rows) == 1:
            return []
        half = len(rows) // 2
        return await _current(connection, rows[:half]) + await _current(connection, rows[half:])


def _as_said(row: MoveRow) -> MoveRow:
    """Without what its lot says of it."""
    says, is_made = own(row.kind, row.step), is_output(row.kind, row.step)
    return row._replace(
        product=row.product if says.product else row.label,
        origin=row.origin if says.origin else None,
        reo_g=row.reo_g if says.reo else None,
        oxides=row.oxides if says.reo else None,
        feed=row.origin if is_made else None,
        lawful=True if is_made else None,
    )


async def _check_sums(connection: Connection, report: Report) -> None:
    for row in await connection.fetch(statement("verifying_custody", "misheld"), MISFITS_MAX):
        counted, kept = (row["counted_g"], row["counted"]), (row["kept_g"], row["kept"])
        report.add(Misfit("holdings", counted, kept, f"{row['kind']} {row['lot']} at {row['plant']}: grams, moves"))
    for row in await connection.fetch(statement("verifying_custody", "misflowed"), MISFITS_MAX):
        detail = " ".join(part for part in map(str, tuple(row)[:6]) if part) + ": moves, net, REO, claimed g, squares"
        report.add(Misfit("flows", row["counted"], row["kept"], detail))
    await check_material(connection, report)


async def _check_lots(connection: Connection, registry: Registry, report: Report) -> None:
    async def check(lots: Sequence[str]) -> None:
        examined = await examine_lots(connection, registry, lots)
        _compare(report, "lot_states", examined.states, examined.before)
        labels = await read_labels(connection, examined.states)
        for found in await connection.fetch(statement("moves", "of_lots"), *asked_of(examined.states, lots)):
            row = MoveRow(*found.values())
            if (full := filled(row, examined.states[row.lot], labels)) != row:
                due, is_so = ((*each[9:12], *each[15:]) for each in (full, row))
                detail = f"{row.kind} of {row.lot}: product, origin, REO g, oxides, feed, lawful"
                report.add(Misfit("moves", due, is_so, detail, message=row.message, index=row.index))
        await _check_noticed(connection, "lot", lots, examined.noticed, report)

    async for lots in _pages(connection, "lot", statement("verifying_custody", "lots"), LOTS):
        await _halving(connection, lots, check, report)


async def _check_shipments(connection: Connection, registry: Registry, report: Report) -> None:
    async def check(keys: Sequence[str]) -> None:
        shipments, noticed = await examine_shipments(connection, registry, keys)
        kept = {
            row["shipment"]: (*tuple(row)[:-1], tuple(Line(**line) for line in row["lines"]))
            for row in await connection.fetch(statement("verifying_custody", "shipments_kept"), keys)
        }
        due = {
            (*row[:9], row.shipment) for of_key in (await returning(connection, shipments)).values() for row in of_key
        }
        _compare(report, "shipments", {key: tuple(shipment) for key, shipment in shipments.items()}, kept)
        rows = await connection.fetch(statement("verifying_custody", "returned"), keys)
        _compare_rows(report, "moves", due, {tuple(row) for row in rows})
        await _check_noticed(connection, "shipment", keys, noticed, report)

    async for keys in _pages(connection, "shipment", statement("verifying_custody", "shipments"), SHIPMENTS):
        await _halving(connection, keys, check, report)


async def _check_licences(connection: Connection, registry: Registry, report: Report) -> None:
    async def check(keys: Sequence[str]) -> None:
        await _check_noticed(connection, "licence", keys, await examine_licences(connection, registry, keys), report)

    rows = await connection.fetch(statement("verifying_custody", "licences"))
    for numbers in _portions({*registry.licences, *(row["key"] for row in rows)}, LICENCES):
        await _halving(connection, await _settled(connection, "licence", numbers), check, report)


async def _check_months(connection: Connection, registry: Registry, judged_at: datetime, report: Report) -> None:
    async def check(keys: Sequence[str]) -> None:
        noticed = await examine_months(connection, registry, judged_at, keys)
        await _check_noticed(connection, "month", keys, noticed, report)

    known = {row["key"] for row in await connection.fetch(statement("months", "all"))}
    known.update(owed_months(registry, datetime.min.replace(tzinfo=UTC), judged_at))
    for months in _portions(known, MONTHS):
        await _halving(connection, await _settled(connection, "month", months), check, report)


async def _halving(
    connection: Connection, keys: Sequence[str], check: Callable[[Sequence[str]], Awaitable[None]], report: Report
) -> None:
    """What was changed may make a judgement raise: then its key is named, and the others are verified."""
    if not keys:
        return
    try:
        async with connection.transaction():
            await check(keys)
    except WORLD_IS_BAD:
        raise
    except Exception as error:  # noqa: BLE001 - whatever somebody has changed, the rest is verified
        if len(keys) == 1:
            report.add(Misfit("custody_findings", "a judgement", f"{type(error).__name__}: {error}", keys[0]))
            return
        for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            await _halving(connection, half, check, report)


def _portions(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    ordered = sorted(keys)
    return (ordered[start : start + size] for start in range(0, len(ordered), size))


async def _pages(connection: Connection, noun: str, following: str, limit: int) -> AsyncIterator[list[str]]:
    """Keys of a noun of which anything is kept, but for those that are in doubt."""
    after = ""
    while rows := await connection.fetch(following, after, limit):
        after = rows[-1]["key"]
        if keys := await _settled(connection, noun, [row["key"] for row in rows]):
            yield keys


async def _settled(connection: Connection, noun: str, keys: Sequence[str]) -> list[str]:
    doubtful = await connection.fetch(statement("verifying_custody", "in_doubt"), noun, list(keys))
    return sorted({*keys} - {row["key"] for row in doubtful})


async def _check_noticed(
    connection: Connection, noun: str, keys: Sequence[str], noticed: Iterable[Noticed], report: Report
) -> None:
    due = {(each.key, each.rule, each.subject): tuple(each) for each in map(storable, noticed)}
    rows = await connection.fetch(statement("custody", "noticed"), noun, list(keys))
    _compare(report, "custody_findings", due, {(row["key"], row["rule"], row["subject"]): tuple(row) for row in rows})


def _compare(report: Report, column: str, expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> None:
    """What is kept under a key, where it is not what is due."""
    for key in sorted(expected.keys() | found.keys()):
        due, kept = expected.get(key), found.get(key)
        if due != kept:
            detail = key if isinstance(key, str) else " ".join(map(str, key))
            report.add(Misfit(column, due, kept, detail))


def _compare_rows(report: Report, column: str, expected: set[Any], found: set[Any]) -> None:
    """Rows that only one side has; each begins with message and index."""
    for row in sorted(expected ^ found, key=repr):
        due, kept = (row[2:], None) if row in expected else (None, row[2:])
        report.add(Misfit(column, due, kept, message=row[0], index=row[1]))
