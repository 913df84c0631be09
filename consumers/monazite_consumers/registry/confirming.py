"""Somebody answers for the registry in force after a restore, though it is not the one that was in force last."""

from datetime import datetime

from monazite_consumers import register
from monazite_consumers.database import REGISTRY_LOCK, Connection
from monazite_consumers.sql import statement


async def confirm(connection: Connection, by: str, at: datetime) -> bool:
    """Lets a restored database go on with the registry that it has; a revision of its own says who said so.

    False: it awaits none.
    """
    async with connection.transaction():
        await connection.execute(statement("registry", "exclude_decisions"), REGISTRY_LOCK)
        in_force = await connection.fetchrow(statement("registry", "revision"))
        digest = in_force["digest"] if in_force else b""
        if await connection.fetchval(statement("platform", "await"), digest) is None:
            return False
        if in_force:
            revision = await register.revision(connection) + 1
            await connection.execute(statement("registry", "record_revision"), revision, at, by, digest)
    return True
