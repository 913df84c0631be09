"""Verifies the registry's history: each change begins where the last one ended; each digest is of what was declared."""

from itertools import groupby
from typing import Any

from pydantic import ValidationError

from monazite_consumers import register
from monazite_consumers.database import Connection
from monazite_consumers.errors import SchemaError
from monazite_consumers.rules.facts import Entry
from monazite_consumers.sql import statement
from monazite_consumers.verifying.misfits import Misfit, Report


async def check_revisions(connection: Connection, report: Report) -> None:
    """Makes the registry again, revision by revision, from its changes alone."""
    declared: dict[tuple[str, str], Any] = {}
    entries: dict[tuple[str, str], Entry] = {}
    changes = await connection.fetch(statement("verifying", "registry_changes"))
    changed = {revision: list(rows) for revision, rows in groupby(changes, key=lambda row: row["revision"])}
    for due, row in enumerate(await connection.fetch(statement("verifying", "registry_revisions")), 1):
        report.revisions += 1
        if row["revision"] != due:
            report.add(Misfit("registry_revisions.revision", due, row["revision"]))
        for change in changed.get(row["revision"], ()):
            _replay(change, declared, entries, report)
        content = register.digest((noun, entry) for (noun, _), entry in entries.items())
        if content != row["digest"]:
            detail = f"revision {row['revision']}"
            report.add(Misfit("registry_revisions.digest", content.hex(), row["digest"].hex(), detail))
    rows = await connection.fetch(statement("verifying", "declared"))
    held = {(row["noun"], row["key"]): row["document"] for row in rows}
    for noun, key in sorted(declared.keys() | held.keys()):
        wanted, found = declared.get((noun, key)), held.get((noun, key))
        if wanted != found:
            report.add(Misfit("registry_entries.document", wanted, found, f"{noun} {key}"))


def _replay(
    change: Any, declared: dict[tuple[str, str], Any], entries: dict[tuple[str, str], Entry], report: Report
) -> None:
    name = (change["noun"], change["key"])
    detail = f"revision {change['revision']}: {' '.join(name)}"
    if declared.get(name) != change["before"]:
        report.add(Misfit("registry_changes.before", declared.get(name), change["before"], detail))
    declared.pop(name, None)
    entries.pop(name, None)
    if change["after"] is None:
        return
    declared[name] = change["after"]
    try:
        entries[name] = register.entry(change["noun"], change["after"])
    except (SchemaError, ValidationError) as error:
        report.add(Misfit("registry_changes.after", "an entry", change["after"], f"{detail}: {error}"))
