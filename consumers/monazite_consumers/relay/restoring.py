"""Notices a database that was restored from a backup, and holds everything until its registry is the last one again."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monazite_consumers import register
from monazite_consumers.database import REGISTRY_LOCK, Connection
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.decisions.snapshot import remember, tell_anew, tell_everything
from monazite_consumers.errors import RestoredError
from monazite_consumers.locks import while_held
from monazite_consumers.relay import handlings, hearing, revisions
from monazite_consumers.settings import KafkaSettings
from monazite_consumers.sql import statement
from monazite_contracts.control import RelayControl

log = logging.getLogger(__name__)

ANY = b""
"""Awaited where the last registry was none, or was this very one: decisions may go on."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The database as it is before a pass. `known`: it has the last publication that the topics know of."""

    epoch: int
    awaited_digest: bytes | None
    instant: datetime | None
    revision: int
    digest: bytes | None
    known: bool
    outage_revision: int

    @property
    def awaits(self) -> bool:
        """Whether it was restored and its registry is not the last one yet."""
        return self.awaited_digest is not None and self.awaited_digest not in {ANY, self.digest}


async def standing(connection: Connection, last: RelayControl | None) -> Standing:
    """Of this database, seen from what was published last."""
    known = (last.publication, last.written_at) if last else (None, None)
    (row,) = await connection.fetch(statement("platform", "standing"), *known)
    return Standing(*row.values())


def is_restored(found: Standing, last: RelayControl | None) -> bool:
    """Whether something was published that this database has never decided.

    Numbers alone do not tell: a restored database gives them out again. A row keeps the instant when it was written.
    """
    if last is None or found.epoch > last.epoch:  # noticed before, and nothing published since
        return False
    return found.epoch < last.epoch or not found.known


async def begin_epoch(connection: Connection, kafka: KafkaSettings, last: RelayControl) -> None:
    """A new epoch: what the topics tell is read back, what waits is put under it, and decisions are held."""
    heard = await while_held(connection, hearing.alerts_topic(kafka))
    announced = await while_held(connection, hearing.reports_topic(kafka))
    awaited = bytes.fromhex(last.registry_digest) if last.registry_digest else ANY
    epoch = max(last.epoch, heard.epoch) + 1
    async with connection.transaction():
        await connection.execute(statement("registry", "exclude_decisions"), REGISTRY_LOCK)
        await connection.execute(statement("platform", "restored"), epoch, awaited)
        await tell_anew(connection, epoch)
        await remember(connection, heard.alerts.values())
        news = await handlings.read_back(connection, heard.handlings)
        await revisions.read_back(connection, announced)
        await connection.execute(statement("outages", "tell"), last.outage_revision)
    log.error("the database was restored, or may have been: epoch %s begins; handlings read back: %s", epoch, news)


async def reopen(connection: Connection) -> None:
    """Everything is told anew, and decisions go on; what they do not raise again by then, watch will judge."""
    async with connection.transaction():
        await connection.execute(statement("registry", "exclude_decisions"), REGISTRY_LOCK)
        registry, platform = await register.load(connection), await read_platform(connection)
        await tell_everything(connection, registry, platform)
        settled_at = (platform.instant or datetime.now(UTC)) + timedelta(minutes=registry.settings.settle_minutes)
        await connection.execute(statement("platform", "reopen"), settled_at)
    log.info("decisions go on")


def complaint(found: Standing) -> RestoredError:
    """What somebody has to do."""
    awaited = (found.awaited_digest or b"").hex()[:12]
    return RestoredError(
        f"{RestoredError.__doc__} Nothing is decided or published until `monazite registry apply` has brought back "
        f"digest {awaited}…; if that registry cannot be had, apply the best and say so: `monazite registry confirm`."
    )
