"""What our own code raises on in custody is halved until the culprit is alone; that is set aside, the rest goes on."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from monazite_consumers.database import WORLD_IS_BAD, Connection
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.deciding import Platform, tell
from monazite_consumers.decisions.noticing import NO_INSTANT, OURSELVES, Noticed, holding, state
from monazite_consumers.decisions.unfiled import note_set_aside
from monazite_consumers.rules.envelopes import FAULT
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.settling import Instants
from monazite_consumers.sql import statement

log = logging.getLogger(__name__)


class Keyed(Protocol):
    """What is set aside under a key of its own: the place of an event, a lot, a shipment, a licence, a month."""

    def __str__(self) -> str: ...


Item = TypeVar("Item", bound=Keyed)
Work = Callable[[Sequence[Item], Changes], Awaitable[None]]


@dataclass(slots=True)
class Halving:
    """With what a portion is worked through, in the caller's transaction. `aside`: culprits that were set aside."""

    connection: Connection
    registry: Registry
    platform: Platform
    aside: int = 0

    async def do(self, noun: str, items: Sequence[Item], work: "Work[Item]") -> None:
        """Works on items of a noun and tells what comes of it."""
        try:
            async with self.connection.transaction():
                changes = self._changes()
                await work(items, changes)
                if changes.touched:
                    await tell(self.connection, self.registry, self.platform, changes, ())
        except WORLD_IS_BAD:
            raise
        except Exception as error:
            if len(items) == 1:
                log.exception("platform fault at %s %s: set aside", noun, items[0])
                await self._set_aside(noun, str(items[0]), type(error).__name__)
                return
            for half in (items[: len(items) // 2], items[len(items) // 2 :]):
                await self.do(noun, half, work)

    def _changes(self) -> Changes:
        return Changes(at=self.platform.instant or datetime.now(UTC))

    async def _set_aside(self, noun: str, key: str, error: str) -> None:
        """Beside what holds of it, which stands until it can be judged; where the telling raises, told of later."""
        self.aside += 1
        fault = Noticed(
            key, FAULT.rule, OURSELVES, "", NO_INSTANT, 1, {"noun": noun, "key": key, "error": error}
        )  # fmt: skip
        changes = self._changes()
        instants = Instants(self.platform.judged_at, self.platform.known_until)
        stands = await holding(self.connection, noun, key, self.registry, instants)
        await state(self.connection, noun, [key], [*stands, fault], changes)
        if noun == "event":
            message, _, index = key.partition("/")
            await note_set_aside(self.connection, (int(message), int(index)))
        try:
            async with self.connection.transaction():
                await tell(self.connection, self.registry, self.platform, changes, ())
        except WORLD_IS_BAD:
            raise
        except Exception:  # whatever is broken in the telling, it is kept and custody goes on
            log.exception("what was set aside cannot be told of: %s %s", noun, key)


async def try_again(connection: Connection) -> None:
    """Whatever was set aside is followed and judged anew: another release may know better."""
    await connection.execute(statement("doubts", "doubt_set_aside"), FAULT.rule)
    await connection.execute(statement("following", "restate_set_aside"), FAULT.rule)
