"""A small TCP proxy that can be cut, and one that swallows what passes: the network between a service and a server."""

import asyncio
from contextlib import suppress

CHUNK = 65_536


class Proxy:
    """Forwards to a port of this machine while it is whole."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._cut = False
        self.port = 0

    async def open(self) -> int:
        """Listens; returns the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    def cut(self) -> None:
        """Every connection breaks, and new ones do too."""
        self._cut = True
        for writer in self._open:
            writer.transport.abort()

    def swallow(self) -> None:
        """Connections stay, and nothing gets through any more."""
        self._flowing.clear()

    def mend(self) -> None:
        """As before."""
        self._cut = False
        self._flowing.set()

    def forget(self) -> None:
        """New connections get through; those of before stay silent for good, as behind a router that restarted."""
        self._cut = False
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def close(self) -> None:
        """For good."""
        self.cut()
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._open |= both
        try:
            ways = [
                asyncio.create_task(self._pump(reader, far_writer)),
                asyncio.create_task(self._pump(far_reader, writer)),
            ]
            with suppress(asyncio.CancelledError):
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
        finally:
            self._open -= both
            for each in both:
                each.close()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        flowing = self._flowing
        with suppress(OSError):
            while chunk := await source.read(CHUNK):
                await flowing.wait()
                target.write(chunk)
                await target.drain()
        await flowing.wait()  # where nothing gets through, nobody hears of an end either
