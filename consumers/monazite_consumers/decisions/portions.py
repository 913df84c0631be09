"""What custody does in one transaction: follows statements, judges what they touch, tells what comes of it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.custody import LOTS, judge_lots
from monazite_consumers.decisions.deciding import Platform
from monazite_consumers.decisions.doubting import doubt, take
from monazite_consumers.decisions.flagging import tell_flags
from monazite_consumers.decisions.following import EVENTS, follow, next_pieces
from monazite_consumers.decisions.halving import Halving
from monazite_consumers.decisions.licences import LICENCES, judge_licences
from monazite_consumers.decisions.months import MONTHS, judge_months
from monazite_consumers.decisions.reported import doubt_amended
from monazite_consumers.decisions.shipments import SHIPMENTS, judge_shipments
from monazite_consumers.rules.obligations import owed_months
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.settling import Instants
from monazite_consumers.sql import statement

ROUNDS: Final = 100
"""That are taken at once where everything is judged in one transaction."""


class Judge(NamedTuple):
    """Of one noun, so many keys in a portion; what it puts in doubt, the next one or the next portion judges."""

    noun: str
    limit: int
    judge: Callable[[Sequence[str], Changes], Awaitable[None]]


def judges(connection: Connection, registry: Registry, platform: Platform) -> tuple[Judge, ...]:
    """Of every noun, in their order."""
    return (
        Judge("lot", LOTS, partial(judge_lots, connection, registry)),
        Judge("shipment", SHIPMENTS, partial(judge_shipments, connection, registry)),
        Judge("licence", LICENCES, partial(judge_licences, connection, registry)),
        Judge(
            "month",
            MONTHS,
            partial(judge_months, connection, registry, Instants(platform.judged_at, platform.known_until)),
        ),
    )


class Share(NamedTuple):
    """What one portion takes on: so many events at most, of new messages or only of those that were followed before.

    `rounds`: as many times of what is judged in one go: within one transaction each taking passes all that was taken.
    """

    events: int = EVENTS
    takes_new: bool = True
    rounds: int = 1


class Done(NamedTuple):
    """What one portion did: how many of each noun, how many culprits were set aside, and whether nothing was left."""

    handled: Counter[str]
    aside: int
    is_all: bool

    @property
    def goes_on(self) -> bool:
        """Whether another portion may find something to do: messages that say nothing are passed over in portions."""
        return bool(self.handled) or not self.is_all


async def portion(connection: Connection, registry: Registry, platform: Platform, share: Share) -> Done:
    """One portion of each kind of work, in the caller's transaction.

    Months come last, and only when nothing else is left: half of what came of a month is no ground to judge it on.
    """
    halving, handled = Halving(connection, registry, platform), Counter[str]()
    if told := await tell_flags(connection, registry, platform):
        return Done(Counter(flag=told), aside=0, is_all=False)
    pieces, is_all = await next_pieces(connection, share.events, takes_new=share.takes_new)
    if pieces:
        await halving.do("event", pieces, partial(follow, connection))
        handled["event"] = len(pieces)
    for each in judges(connection, registry, platform):
        if each.noun == "month" and not is_all:
            break
        limit = each.limit * share.rounds
        if keys := await take(connection, each.noun, limit):
            for start in range(0, len(keys), each.limit):
                await halving.do(each.noun, keys[start : start + each.limit], each.judge)
            handled[each.noun] = len(keys)
            is_all &= len(keys) < limit
    return Done(handled, halving.aside, is_all)


async def catch_up(connection: Connection, registry: Registry, platform: Platform) -> None:
    """All of them, under the lock that excludes decisions."""
    await connection.execute(statement("following", "settled"))
    owing = owed_months(registry, datetime.min.replace(tzinfo=UTC), platform.judged_at)
    await doubt(connection, (("month", key) for key in owing))
    await doubt_amended(connection)
    while (await portion(connection, registry, platform, Share(rounds=ROUNDS))).goes_on:
        pass
