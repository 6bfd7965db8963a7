"""The network between the processes and the broker: a TCP proxy that can cut, stall and tear.

It runs in a thread of its own. Each client process has a `Link`, a loopback port, so that a fault hits one of them.
"""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

T = TypeVar("T")
CHUNK_BYTES = 64 * 1024
CALL_S = 10.0
RESET = struct.pack("ii", 1, 0)
"""To linger for 0 s: the close is a reset."""


class Connection:
    """A client's connection and the matching connection to the broker."""

    def __init__(self, client: asyncio.StreamWriter, broker: asyncio.StreamWriter) -> None:
        self.client = client
        self.broker = broker
        self.tear: float | None = None
        """The share of the next reply to let through before the cut."""

    def cut(self) -> None:
        """Reset both connections; bytes in transit are lost."""
        with suppress(OSError):  # the client may have closed its connection a moment ago
            self.client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.client.transport.abort()
        self.broker.transport.abort()


class Link:
    """The connections of one client process to the broker. Its methods may be called from any thread."""

    def __init__(self, proxy: "Proxy", name: str) -> None:
        self.name = name
        self.port = 0
        self.torn = 0
        self._proxy = proxy
        self._connections: set[Connection] = set()
        self._served: set[asyncio.Future[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def cut(self) -> int:
        """Cut all connections now, and return their number. The link accepts new ones."""
        return self._proxy.call(self._cut())

    def cut_in_reply(self, chance: random.Random) -> int:
        """Deliver the next reply of each open connection in part or not at all, then cut the connection.

        The broker has carried out the request, so this is a lost acknowledgement. Return the number of connections that
        wait for it.
        """
        return self._proxy.call(self._arm(chance))

    def spare(self) -> int:
        """Cancel the cuts that `cut_in_reply` has not made yet; return how many replies were torn so far."""
        return self._proxy.call(self._disarm())

    def stall(self) -> None:
        """Let nothing through in either direction until `flow`. Nothing is lost; the link accepts new connections."""
        self._proxy.call(self._set_flowing(on=False))

    def flow(self) -> None:
        self._proxy.call(self._set_flowing(on=True))

    # --- in the proxy's thread ----------------------------------------------------------------------------------------

    async def listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def end(self) -> None:
        """Cut all connections and wait until they are closed."""
        self._flowing.set()
        await self._cut()
        await asyncio.gather(*self._served)

    async def _cut(self) -> int:
        cut = list(self._connections)
        for connection in cut:
            connection.cut()
        return len(cut)

    async def _arm(self, chance: random.Random) -> int:
        for connection in self._connections:
            share = chance.choice((0.0, chance.random()))
            connection.tear = share
        return len(self._connections)

    async def _disarm(self) -> int:
        for connection in self._connections:
            connection.tear = None
        return self.torn

    async def _set_flowing(self, *, on: bool) -> None:
        if on:
            self._flowing.set()
        else:
            self._flowing.clear()

    async def _accept(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        serving = asyncio.ensure_future(self._serve(from_client, client))
        self._served.add(serving)
        serving.add_done_callback(self._served.discard)
        await serving

    async def _serve(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            from_broker, broker = await asyncio.open_unix_connection(self._proxy.broker)
        except OSError:
            client.transport.abort()
            return
        connection = Connection(client, broker)
        self._connections.add(connection)
        pumps = [
            asyncio.ensure_future(self._pump(from_client, broker, lambda chunk: chunk)),
            asyncio.ensure_future(self._pump(from_broker, client, lambda chunk: self._torn(connection, chunk))),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._connections.discard(connection)
            for pump in pumps:
                pump.cancel()
            client.close()
            broker.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, through: Callable[[bytes], bytes]
    ) -> None:
        """Pass data on until one side ends or `through` returns less than it got."""
        try:
            while chunk := await source.read(CHUNK_BYTES):
                await self._flowing.wait()
                passed = through(chunk)
                sink.write(passed)
                await sink.drain()
                if len(passed) < len(chunk):
                    return
        except OSError:
            return

    def _torn(self, connection: Connection, reply: bytes) -> bytes:
        if connection.tear is None:
            return reply
        self.torn += 1
        return reply[: int(connection.tear * len(reply))]


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one client to several brokers. A fault is one of all of them."""

    each: list[Link]

    @property
    def url(self) -> str:
        """Return the URLs of the brokers, as the client sees them."""
        return ",".join(link.url for link in self.each)

    @property
    def torn(self) -> int:
        """Return how many replies were cut."""
        return sum(link.torn for link in self.each)

    def cut(self) -> int:
        """Cut all connections; return how many there were."""
        return sum(link.cut() for link in self.each)

    def cut_in_reply(self, chance: random.Random) -> int:
        """Cut each connection in its next reply; return how many there are."""
        return sum(link.cut_in_reply(chance) for link in self.each)

    def spare(self) -> int:
        """Cut no more replies; return how many were cut."""
        return sum(link.spare() for link in self.each)

    def stall(self) -> None:
        """Let nothing through."""
        for link in self.each:
            link.stall()

    def flow(self) -> None:
        """Let everything through again."""
        for link in self.each:
            link.flow()


class Proxy:
    """All links to one broker, which listens on a Unix socket. Use it with `with`."""

    def __init__(self, broker: Path) -> None:
        self.broker = broker
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: dict[str, Link] = {}
        self._servers: list[asyncio.Server] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_S)
        self._loop.close()

    def link(self, name: str) -> Link:
        """Return the link of a client; the same name gets the same link."""
        if name not in self._links:
            link = self._links[name] = Link(self, name)
            self._servers.append(self.call(link.listen()))
        return self._links[name]

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(CALL_S)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for link in self._links.values():
            await link.end()
