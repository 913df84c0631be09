"""Parks a message that makes our own code raise: kept whole, it awaits a release that does not; someone is paged."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from monazite_consumers.database import WORLD_IS_BAD, Connection
from monazite_consumers.decisions import posting
from monazite_consumers.decisions.changes import WHOLE, Changes
from monazite_consumers.decisions.deciding import Decision, decide_arrivals
from monazite_consumers.decisions.sequences import Verdict
from monazite_consumers.rules.envelopes import FAULT, Arrival
from monazite_consumers.rules.production import Finding
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.months import day_of
from monazite_contracts.receipts import Outcome

log = logging.getLogger(__name__)


async def park(connection: Connection, registry: Registry, arrivals: Sequence[tuple[Arrival, Any]]) -> Decision:
    """Parks messages and tells of them; where even that raises, they are kept and counted, and told of later."""
    parked = [(arrival._replace(is_parked=True), odd) for arrival, odd in arrivals]
    try:
        async with connection.transaction():
            return await decide_arrivals(connection, registry, parked)
    except WORLD_IS_BAD:
        raise
    except Exception:  # whatever is broken in the telling, the bytes are kept and the stream goes on
        log.exception("a parked message cannot be told of")
        return await _keep(connection, parked)


async def _keep(connection: Connection, parked: Sequence[tuple[Arrival, Any]]) -> Decision:
    """The least that can be done: its row and bytes, its outcome, its count. A rebuild names its source and tells."""
    rows = await connection.fetch(statement("ledger", "number"), len(parked))
    numbered = {row["message"]: arrival for row, (arrival, _) in zip(rows, parked, strict=True)}
    odd_headers = {row["message"]: odd for row, (_, odd) in zip(rows, parked, strict=True)}
    changes = Changes(at=parked[0][0].coordinate.arrived_at)
    verdicts = []
    for message, arrival in numbered.items():
        at = arrival.coordinate
        verdicts.append(
            Verdict(message, at, arrival.opened.hash, arrival.key_id, Outcome.AWAITING, reason=FAULT),
        )
        changes.find((message, WHOLE), Finding(FAULT.rule, "intake", f"{day_of(at.arrived_at)}", at.arrived_at))
        changes.tallies[at.topic, at.partition, at.log_generation, Outcome.AWAITING] += 1
    await posting.write_ledger(connection, numbered, odd_headers, set())
    await posting.write_envelopes(connection, verdicts, numbered)
    await posting.write_findings(connection, changes)
    await posting.write_finding_sums(connection, changes)
    await posting.write_tallies(connection, changes)
    return Decision(Counter({Outcome.AWAITING: len(parked)}), {}, Counter({FAULT.rule: len(parked)}))
