"""A collector of traces that keeps nothing: it takes what the product exports by OTLP over HTTP, and counts it.

Run as `python -m tests.load.collector PORT`. Each line of its output has the requests and the bytes so far.
"""

# ruff: noqa: T201 - its output is read by the harness

from __future__ import annotations

import asyncio
import sys

import uvloop

from tests.bench.http_load import END_OF_HEAD, content_length

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"


class Collector:
    """Takes requests from any number of connections."""

    def __init__(self) -> None:
        self.requests = 0
        self.bytes = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection."""
        try:
            while True:
                head = await reader.readuntil(END_OF_HEAD)
                self.bytes += len(await reader.readexactly(content_length(head)))
                self.requests += 1
                print(self.requests, self.bytes, flush=True)
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def main(port: int) -> None:
    """Serve until a signal."""
    server = await asyncio.start_server(Collector().serve, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
