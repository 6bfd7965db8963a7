"""The generator: a slow server does not thin the load, and the wait of each request counts."""

import asyncio
import time
from contextlib import suppress

from tests.load.generator import Generator
from tests.load.messages import NO_ANSWER, Planned

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
STALL_S = 2.0
"""Four times as long as all requests take to become due, so that a busy machine can send them late."""
COUNT, GAP_S = 50, 0.01


def _planned() -> list[Planned]:
    return [Planned(n, n * GAP_S, "read", "/", b"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n") for n in range(COUNT)]


async def test_requests_that_are_due_while_the_server_stalls_are_sent_and_count_their_wait() -> None:
    received: list[float] = []
    serving: list[asyncio.Task[None] | None] = []
    begin_s = time.monotonic() + 0.1

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                received.append(time.monotonic() - begin_s)
                await asyncio.sleep(max(0.0, begin_s + STALL_S - time.monotonic()))
                writer.write(ANSWER)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        generator = Generator(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        outcomes = await generator.run(_planned(), begin_s)
        generator.close()
        await asyncio.gather(*filter(None, serving))
    assert [one.status for one in outcomes] == [200] * COUNT
    early = [one for one in outcomes if one.sent_s < STALL_S - 0.1]
    assert len(early) >= COUNT // 2, "a closed loop would have sent one request and waited for its answer"
    assert len([at for at in received if at < STALL_S]) >= COUNT // 2
    assert all(one.answered_s >= STALL_S for one in early)


async def test_a_request_whose_connection_breaks_has_no_answer() -> None:
    closed = asyncio.Event()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        closed.set()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        generator = Generator(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        [outcome] = await generator.run(_planned()[:1], time.monotonic())
        await closed.wait()
    assert outcome.status == NO_ANSWER
