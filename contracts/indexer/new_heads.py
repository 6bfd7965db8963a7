"""Listens to a node's new blocks by WebSocket, so that the indexer asks at once and not at its next poll.

A message is a reason to ask, whatever it says: what the indexer knows comes from its own questions. A socket that is
silent, closes or lies costs time at most.

Source: https://github.com/starkware-libs/starknet-specs/blob/v0.10.2/api/starknet_ws_api.json
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidURI, WebSocketException

MESSAGE_BYTES_MAX: Final = 1 << 20
RECONNECT_S: Final = 5.0
PAUSE_S: Final = 0.05
"""The least time between two wake-ups, however many messages come."""
SUBSCRIBE: Final = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "starknet_subscribeNewHeads", "params": {}})

logger = logging.getLogger(__name__)


class NewHeads:
    """Wakes a waiting indexer. Does nothing without a URL, which may contain a key and is never logged.

    Attributes:
        connected: Whether the node has taken the subscription.
        messages: Messages since the start.
    """

    def __init__(self, url: str | None) -> None:
        self.connected = False
        self.messages = 0
        self._url = url
        self._news = asyncio.Event()
        self._woken_s = 0.0

    async def wait(self, at_most_s: float) -> None:
        """Wait for a message, or as long as without a socket."""
        try:
            async with asyncio.timeout(at_most_s):
                await self._news.wait()
                await asyncio.sleep(self._woken_s + PAUSE_S - time.monotonic())
        except TimeoutError:
            return
        self._news.clear()
        self._woken_s = time.monotonic()

    async def run(self) -> None:
        """Listen until cancelled, and connect again when the socket closes."""
        while self._url is not None:
            try:
                await self._listen(self._url)
            except (WebSocketException, InvalidURI, OSError, TimeoutError) as exc:
                logger.info("no new blocks are heard of by WebSocket (%s); polling goes on", type(exc).__name__)
            finally:
                self.connected = False
            await asyncio.sleep(RECONNECT_S)

    async def _listen(self, url: str) -> None:
        async with connect(url, max_size=MESSAGE_BYTES_MAX, logger=_SILENT, proxy=None) as socket:
            await socket.send(SUBSCRIBE, text=True)
            async for message in socket:
                self.connected = self.connected or _is_subscribed(message)
                self.messages += 1
                self._news.set()


def _is_subscribed(message: str | bytes) -> bool:
    try:
        answer = orjson.loads(message)
    except orjson.JSONDecodeError:
        return False
    return isinstance(answer, dict) and answer.get("id") == 1 and "result" in answer


_SILENT: Final = logging.getLogger(f"{__name__}.socket")
_SILENT.setLevel(logging.CRITICAL)  # its messages have the URL
