"""The collector of traces."""

import asyncio

from tests.bench.http_load import Connection
from tests.load.collector import Collector


async def test_the_collector_counts_requests_and_bytes_and_answers_each() -> None:
    collector, serving = Collector(), list[asyncio.Task[None] | None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        await collector.serve(reader, writer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        connection = await Connection.open(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for body in (b"", b"x" * 100_000, b"spans"):
            assert await connection.post("/v1/traces", body, "") == (200, b"")
        connection.close()
        await asyncio.gather(*filter(None, serving))
    assert (collector.requests, collector.bytes) == (3, 100_005)
