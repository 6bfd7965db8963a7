"""A WebSocket makes the indexer faster, and never wrong: silent, closing and lying ones cost time at most."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from contracts.indexer import new_heads
from contracts.indexer.new_heads import NewHeads
from contracts.indexer.service import IndexerService
from tests.indexer.model import ModelChain, ModelLog, ModelNode, ModelStore
from tests.indexer.test_model import assert_each_fact_has_a_life, indexer_of

SUBSCRIBED = '{"jsonrpc":"2.0","id":1,"result":"7"}'
POLL_S = 30.0
SOON_S = 10.0
Handler = Callable[[ServerConnection], Awaitable[None]]


class Follower:
    """An indexer that polls rarely, on a chain in memory."""

    def __init__(self, url: str | None, poll_s: float = POLL_S) -> None:
        self.chain, self.log = ModelChain(), ModelLog()
        self.chain.extend([(0, True)])
        self.node = ModelNode(self.chain)
        indexer = indexer_of(self.node, ModelStore(self.log))
        self.service = IndexerService(indexer, _nothing, poll_s, NewHeads(url))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.service.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def has(self, facts: int, within_s: float = SOON_S) -> None:
        async with asyncio.timeout(within_s):
            while len(self.log.changes) < facts:  # noqa: ASYNC110 - the log in memory tells of nothing
                await asyncio.sleep(0.01)
        assert assert_each_fact_has_a_life(self.log.changes) == self.chain.facts()


async def _nothing() -> None:
    return None


@asynccontextmanager
async def socket(handler: Handler) -> AsyncIterator[str]:
    async def until_closed(connection: ServerConnection) -> None:
        tasks = [asyncio.ensure_future(each) for each in (handler(connection), connection.wait_closed())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async with serve(until_closed, "127.0.0.1", 0) as server:
        [listening] = server.sockets
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}/key-that-is-secret"


async def test_a_message_lets_the_indexer_ask_at_once() -> None:
    news = asyncio.Event()

    async def tells(connection: ServerConnection) -> None:
        assert b"starknet_subscribeNewHeads" in await connection.recv(decode=False)
        await connection.send(SUBSCRIBED)
        while True:
            await news.wait()
            news.clear()
            await connection.send('{"method":"starknet_subscriptionNewHeads"}')

    async with socket(tells) as url:
        follower = Follower(url)
        async with follower.running():
            await follower.has(1)
            for facts in (2, 3):
                await asyncio.sleep(0.1)
                follower.chain.extend([(0, True)])
                news.set()
                await follower.has(facts)
            assert follower.service.heads.connected
        assert follower.service.heads.messages == 3


async def test_a_silent_socket_costs_a_poll() -> None:
    async def says_nothing(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with socket(says_nothing) as url:
        follower = Follower(url, poll_s=0.5)
        async with follower.running():
            await follower.has(1)
            follower.chain.extend([(0, True)])
            await follower.has(2)
            assert not follower.service.heads.connected


async def test_a_closing_socket_is_opened_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(new_heads, "RECONNECT_S", 0.05)
    caplog.set_level(logging.DEBUG)
    connections = 0

    async def closes(connection: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await connection.send(SUBSCRIBED)

    async with socket(closes) as url:
        follower = Follower(url, poll_s=0.2)
        async with follower.running():
            await follower.has(1)
            async with asyncio.timeout(SOON_S):
                while connections < 3:  # noqa: ASYNC110 - the server counts
                    await asyncio.sleep(0.01)
            follower.chain.extend([(0, True)])
            await follower.has(2)
    async with Follower(url, poll_s=0.2).running():  # nothing listens there any more
        await asyncio.sleep(0.3)
    assert "polling goes on" in caplog.text
    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    assert not any("key-that-is-secret" in record.getMessage() for record in ours)


async def test_a_lying_socket_makes_no_facts_and_no_haste() -> None:
    async def lies(connection: ServerConnection) -> None:
        while True:
            await connection.send('{"method":"starknet_subscriptionNewHeads","params":{"result":{"block_number":99}}}')
            await connection.send(b"\xff\x00 no JSON")
            await asyncio.sleep(0.001)

    async with socket(lies) as url:
        follower = Follower(url)
        async with follower.running():
            await follower.has(1)
            asked, began = follower.node.asked["head"], time.monotonic()
            await asyncio.sleep(1)
            follower.chain.extend([(0, True)])
            await follower.has(2)
            polls = follower.node.asked["head"] - asked
            assert polls <= (time.monotonic() - began) / new_heads.PAUSE_S + 2
            assert follower.service.heads.messages > polls
            assert not follower.service.heads.connected
