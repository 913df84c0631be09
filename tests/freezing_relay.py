"""The relay as it ships, but it freezes once: just before a certain request to the broker leaves it, or after all."""

import os
import signal
import sys
from typing import Any

from aiokafka.conn import AIOKafkaConnection

from monazite.cli import main
from monazite_consumers.relay import fencing
from monazite_consumers.relay.fencing import FencedProducer

COMMITTED = "committed"

POINTS = {
    "before its partitions are added": "AddPartitionsToTxnRequest",
    "between send and socket": "ProduceRequest",
    "before the commit": "EndTxnRequest",
    "between publishing and marking": COMMITTED,
}
"""Where it can freeze, and the request that it holds back there."""


def _freeze(point: str) -> None:
    frozen = False

    def freeze() -> None:
        nonlocal frozen
        if not frozen:
            frozen = True
            os.kill(os.getpid(), signal.SIGSTOP)

    send, publish = AIOKafkaConnection.send, FencedProducer.publish

    def sending(self: Any, request: Any, *rest: Any, **named: Any) -> Any:
        if type(request).__name__ == POINTS[point]:
            freeze()
        return send(self, request, *rest, **named)

    async def publishing(self: Any, messages: Any) -> None:
        await publish(self, messages)
        if POINTS[point] == COMMITTED:
            freeze()

    AIOKafkaConnection.send = sending
    FencedProducer.publish = publishing  # type: ignore[method-assign]


if __name__ == "__main__":
    # Without limits of its own: what it is about to send when it wakes up is stopped by the broker or by nobody.
    fencing.ANSWERS_WITHIN_S = 120.0  # type: ignore[misc]
    fencing.TRANSACTION_TIMEOUT_MS = 120_000  # type: ignore[misc]
    _freeze(sys.argv.pop(1))
    main()
