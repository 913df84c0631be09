"""Where all that became of a lot is now, by what share of it: to exactly the whole of it."""

from monazite_consumers.database import Connection
from monazite_consumers.rules.whereabouts import Stay, spread
from monazite_consumers.tracing.chain import Trace
from monazite_consumers.tracing.stays import stays


async def whereabouts(connection: Connection, trace: Trace) -> list[Stay]:
    """Of a trace downwards: what is on hand, on its way, lost or out of the register, lot by lot."""
    found = await stays(connection, trace.names)
    return spread(trace.lots, found, trace.states, trace.gone, trace.unfollowed)
