"""A proxy that ends each feed after its first events, so that a client which reads whole answers gets one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECE = 65_536
QUIET_S = 0.1
"""A feed that sends nothing for so long has sent its first events."""

FEED = b"content-type: text/event-stream"
LAST_CHUNK = b"0\r\n\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextmanager
def feeds_bounded(port: int) -> Iterator[int]:
    """Serve a proxy of a port on this machine while the block runs; yield its port."""
    loop, ports, stop = asyncio.new_event_loop(), list[int](), asyncio.Event()
    ready = threading.Event()

    async def serve() -> None:
        async with await asyncio.start_server(lambda r, w: _carry((r, w), port), "127.0.0.1", 0) as server:
            ports.append(server.sockets[0].getsockname()[1])
            ready.set()
            await stop.wait()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="proxy of feeds")
    thread.start()
    ready.wait(10)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _carry(client: Streams, port: int) -> None:
    """Carry one connection until either side ends it."""
    with suppress(OSError, asyncio.CancelledError):
        server = await asyncio.open_connection("127.0.0.1", port)
        both = [
            asyncio.create_task(_copy(client[0], server[1])),
            asyncio.create_task(_answer(server[0], client[1])),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            for _, writer in (client, server):
                writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(PIECE):
            target.write(piece)
            await target.drain()


async def _answer(server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
    """Copy answers. End one that is a feed once it is quiet: the API sends each event as a whole chunk."""
    is_feed = False
    while True:
        try:
            piece = await asyncio.wait_for(server.read(PIECE), QUIET_S if is_feed else None)
        except TimeoutError:
            client.write(LAST_CHUNK)
            return await client.drain()
        if not piece:
            return None
        is_feed = is_feed or FEED in piece.lower()
        client.write(piece)
        await client.drain()
