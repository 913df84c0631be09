"""The HTTP side of a service: `/metrics` for Prometheus, `/health` for whoever restarts it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from monazite_consumers.health import Health
from monazite_consumers.metrics import HEALTHY

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


def application(health: Health) -> Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]:
    """The ASGI application of one service."""

    async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
        if scope["type"] != "http":
            return
        if scope["path"] == "/metrics":
            HEALTHY.set(int(health.healthy))  # a loop that went silent has told nobody
            await _respond(send, 200, generate_latest(), CONTENT_TYPE_LATEST)
        elif scope["path"] == "/health":
            checks = {name: {"healthy": c.healthy, "detail": c.detail} for name, c in health.report().items()}
            status = 200 if health.healthy else 503
            body = orjson.dumps({"healthy": health.healthy, "checks": checks}, option=orjson.OPT_INDENT_2)
            await _respond(send, status, body, "application/json")
        else:
            await _respond(send, 404, b"try /metrics or /health\n", "text/plain")

    return app


async def _respond(send: Send, status: int, body: bytes, content_type: str) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Server(uvicorn.Server):
    """Leaves the process's signals to the composition root."""

    def install_signal_handlers(self) -> None:
        """Nothing."""


@asynccontextmanager
async def served(health: Health, host: str, port: int) -> AsyncIterator[int]:
    """Serves while the block runs; yields the port."""
    server = _Server(uvicorn.Config(application(health), host, port, log_config=None, access_log=False, lifespan="off"))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    task = asyncio.create_task(server.main_loop())
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task
        await server.shutdown()
