"""Numbers of sources: whoever is answered, stands or is kept has one; who is only claimed in noise gets none."""

from collections.abc import Iterable

from monazite_consumers.database import Connection
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.sql import statement
from monazite_contracts.envelope import Source


async def known(connection: Connection, named: Iterable[Source]) -> dict[Source, int]:
    """The numbers of those that have one."""
    wanted = {(s.plant, s.gateway, s.stream, s.incarnation): s for s in named}
    if not wanted:
        return {}
    rows = await connection.fetch(statement("sources", "known"), *transposed(sorted(wanted), 4))
    return {wanted[r["plant"], r["gateway"], r["stream"], r["incarnation"]]: r["source"] for r in rows}


async def number(connection: Connection, named: Iterable[Source]) -> dict[Source, int]:
    """The numbers of all; those that have none get one."""
    wanted = set(named)
    found = await known(connection, wanted)
    if new := wanted - found.keys():
        columns = transposed(sorted((s.plant, s.gateway, s.stream, s.incarnation) for s in new), 4)
        await connection.execute(statement("sources", "add"), *columns)
        found |= await known(connection, new)
    return found
