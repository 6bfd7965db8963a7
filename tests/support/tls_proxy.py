"""A server that ends TLS before one that has none: the packaged Valkey and PostgreSQL are built without OpenSSL.

Clients see real TLS with real certificates; only the last step, on this machine, is plain.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.support.certificates import Issued

PIECE = 65_536
STOP_S = 10.0
CLOSE_S = 1.0
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""What a client of PostgreSQL sends first to ask for TLS."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]


@dataclass
class Proxy:
    """A running proxy, the versions of TLS that its clients spoke, and how many it refused."""

    port: int = 0
    versions: list[str] = field(default_factory=list)
    refused: int = 0


@contextmanager
def tls_before(connect: Connect, issued: Issued, *, postgres: bool = False, port: int = 0) -> Iterator[Proxy]:
    """Serve TLS on a port of localhost while the block runs.

    Args:
        connect: Connects to the server behind.
        issued: The certificate to show.
        postgres: Speak PostgreSQL's way: TLS begins after the client asked for it.
        port: The port; 0 for a free one.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(issued.certificate, issued.key)
    proxy, ready, stop = Proxy(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        tasks: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            with suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await _carry(proxy, connect, (reader, writer), context if postgres else None)
            await _closed(writer)
            tasks.discard(task)

        server = await asyncio.start_server(accept, "127.0.0.1", port, ssl=None if postgres else context)
        proxy.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="tls proxy")
    thread.start()
    ready.wait(10)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(STOP_S)
        loop.close()


async def _carry(proxy: Proxy, connect: Connect, client: Streams, context: ssl.SSLContext | None) -> None:
    reader, writer = client
    if context is not None:
        if await reader.readexactly(len(SSL_REQUEST)) != SSL_REQUEST:
            proxy.refused += 1  # a client that wants to speak without TLS
            return
        writer.write(b"S")
        await writer.start_tls(context)
    proxy.versions.append(writer.get_extra_info("ssl_object").version())
    behind_reader, behind_writer = await connect()
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_copy(reader, behind_writer))
            both.create_task(_copy(behind_reader, writer))
    finally:
        await _closed(behind_writer)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError, ssl.SSLError):
        while piece := await source.read(PIECE):
            target.write(piece)
            await target.drain()
    target.close()


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection before the loop ends. A client need not take part in the last exchange of TLS."""
    writer.close()
    with suppress(OSError, ssl.SSLError):
        try:
            async with asyncio.timeout(CLOSE_S):
                await writer.wait_closed()
        except TimeoutError:
            writer.transport.abort()
            await asyncio.sleep(0)  # the loop closes the socket in its next round
