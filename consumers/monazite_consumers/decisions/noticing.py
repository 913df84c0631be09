"""What is noticed about a lot, a shipment or a plant's month: kept beside it, and counted into alerts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.posting import copy, transposed
from monazite_consumers.rules.alerts import AlertKey, Observed
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.settling import Instants
from monazite_consumers.sql import statement
from monazite_contracts.times import INSTANT_MAX

EXAMPLES_MAX: Final = 10
"""That an alert names one by one; how many there are, its count says."""

OURSELVES: Final = "custody"
"""Whom an alert is about when our own code raised in custody."""

NO_INSTANT: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Of a fault of ours: whoever rebuilds must say the same of it."""

_COLUMNS = ("noun", "key", "rule", "subject", "period", "at", "measure", "detail")


class Noticed(NamedTuple):
    """One finding about a key of a noun. `at`: from when an absence settles. `detail`: the arithmetic, for a person."""

    key: str
    rule: str
    subject: str
    period: str
    at: datetime
    measure: int
    detail: Mapping[str, Any]

    @property
    def alert(self) -> AlertKey:
        """The alert that it counts into."""
        return AlertKey(self.rule, self.subject, self.period)


INTEGER_MAX: Final = 2**63 - 1
"""What a bigint holds, and the writer of JSON."""


def storable(noticed: Noticed) -> Noticed:
    """As a row holds it: whatever somebody claims, a rate or a sum beyond 64 bits sets nothing aside."""
    return noticed._replace(measure=min(noticed.measure, INTEGER_MAX), detail=_storable(noticed.detail))


def _storable(value: Any) -> Any:
    """With integers that JSON's writer does not take as text."""
    if isinstance(value, int) and abs(value) > INTEGER_MAX:
        return str(value)
    if isinstance(value, Mapping):
        return {name: _storable(each) for name, each in value.items()}
    return [_storable(each) for each in value] if isinstance(value, list | tuple) else value


async def state(
    connection: Connection, noun: str, keys: Sequence[str], found: Iterable[Noticed], changes: Changes
) -> None:
    """Puts what is noticed about these keys in the place of what was."""
    rows = await connection.fetch(statement("custody", "noticed"), noun, list(keys))
    before = {(row["key"], row["rule"], row["subject"]): Noticed(*row.values()) for row in rows}
    after = {(each.key, each.rule, each.subject): each for each in map(storable, found)}
    gone = [name for name, each in before.items() if after.get(name) != each]
    new = [each for name, each in after.items() if before.get(name) != each]
    if gone:
        await connection.execute(statement("custody", "unnotice"), noun, *transposed(gone, 3))
    changes.touched |= {before[name].alert for name in gone} | {each.alert for each in new}
    # What settled while its key was in doubt was left for now.
    changes.touched |= {each.alert for each in after.values() if RULES[each.rule].fires_on == "absence"}
    await copy(connection, "custody_findings", _COLUMNS, [(noun, *each[:-1], dict(each.detail)) for each in new])


async def holding(connection: Connection, noun: str, key: str, registry: Registry, instants: Instants) -> list[Noticed]:
    """What was last noticed about a key and has settled: it stands while our own code raises on the key.

    Of what is in use, for a rebuild by the same release knows no better.
    """
    found = [Noticed(*row.values()) for row in await connection.fetch(statement("custody", "in_use"), noun, key)]
    return [
        each
        for each in found
        if each.subject != OURSELVES and each.at <= _settled_before(each.rule, registry, instants)
    ]


def is_noticed(key: AlertKey) -> bool:
    """Whether an alert rests on what is noticed here: about a holding, or that our own code raised on one."""
    return RULES[key.rule].about == "holding" or key.subject == OURSELVES


async def observe_noticed(
    connection: Connection, registry: Registry, keys: Sequence[AlertKey], judged_at: datetime
) -> dict[AlertKey, Observed]:
    """What has been noticed, and has settled by an instant, says of alerts."""
    if not keys:
        return {}
    instants = Instants(judged_at, await connection.fetchval(statement("platform", "known_until")))
    asked = transposed([(*key, _settled_before(key.rule, registry, instants)) for key in keys], 4)
    examples: dict[AlertKey, list[Any]] = defaultdict(list)
    for row in await connection.fetch(statement("custody", "examples"), *asked, EXAMPLES_MAX):
        examples[AlertKey(row["rule"], row["subject"], row["period"])].append(dict(row["detail"]))
    observed: dict[AlertKey, Observed] = {}
    for row in await connection.fetch(statement("custody", "totals"), *asked):
        key = AlertKey(row["rule"], row["subject"], row["period"])
        evidence: dict[str, Any] = {"count": row["count"], "measure": row["measure"]}
        if row["count"] and row["first_at"] > NO_INSTANT:
            evidence |= {"first_at": row["first_at"].isoformat(), "last_at": row["last_at"].isoformat()}
        if row["count"]:
            evidence["examples"] = examples[key]
        observed[key] = Observed(row["count"] > 0, RULES[key.rule].fires_on == "absence", evidence)
    return observed


def _settled_before(rule: str, registry: Registry, instants: Instants) -> datetime:
    """By when an absence must have begun that holds; what is present holds at once."""
    if RULES[rule].fires_on == "presence":
        return INSTANT_MAX
    return instants.settled_before(RULES[rule], registry.settings)
