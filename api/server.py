"""The API under uvicorn: from the signal to end until the last request is answered.

A plain uvicorn server stops listening at once and then waits for open feeds to end before it tells the application.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from api.kit.context import Api
from api.kit.feeds.socket.messages import MESSAGE_BYTES_MAX
from api.limits.caps import KEEP_ALIVE_S
from api.limits.connections import Connections
from streams.services import reachable_address

GRACE_S = 5
DRAIN_POLL_S = 0.05
# Named, so that a missing one is an error and not a slower server.
FAST: Mapping[str, Any] = {"loop": "uvloop", "ws": "websockets-sansio"}
SWEEP_TICKS = 5
"""uvicorn ticks each 0.1 s; so often the server looks for clients that are too slow."""
PING_EVERY_S = 20.0
PONG_WITHIN_S = 20.0
# Compression would cost memory for each socket, and lets a small message become a large one.
SOCKETS: Mapping[str, Any] = {
    "ws_max_size": MESSAGE_BYTES_MAX,
    "ws_ping_interval": PING_EVERY_S,
    "ws_ping_timeout": PONG_WITHIN_S,
    "ws_per_message_deflate": False,
}
NETWORK = (socket.AF_INET, socket.AF_INET6)
SOCKETS_END_S = 1.0
"""How long the server waits for sockets to say why their subscriptions end."""


class Server(uvicorn.Server):
    """Shuts down in three steps, so that a load balancer loses no request.

    1. From the signal on, `/readyz` answers 503. All else is served for `drain_s`, so that the load balancer notices.
    2. Open feeds and sockets end; clients connect to another process and resume.
    3. The server stops listening and finishes the requests in flight.
    """

    def __init__(
        self,
        app: FastAPI,
        *,
        drain_s: float = 0.0,
        beside: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext,
        **settings: Any,
    ) -> None:
        """Prepare the server.

        Args:
            app: The application.
            drain_s: How long it serves on after the signal.
            beside: What else runs on this event loop while the API serves, such as the metrics.
            settings: Settings of uvicorn.
        """
        self._api: Api = app.state.api
        self.connections = Connections(self._api.config.caps, self._api.addresses)
        ours = {
            "timeout_graceful_shutdown": GRACE_S,
            "timeout_keep_alive": KEEP_ALIVE_S,
            "server_header": False,
            "proxy_headers": False,  # uvicorn would trust every client on this machine; see `ClientAddresses`
            "http": self.connections.protocol,
        }
        super().__init__(uvicorn.Config(app, **{**ours, **FAST, **SOCKETS, **settings}))
        self._drain_s = drain_s
        self._beside = beside

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal."""
        async with self._beside():
            await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and note where."""
        await super().startup(sockets)
        listeners = [listener for server in self.servers for listener in server.sockets]
        if listeners and listeners[0].family in NETWORK:
            self._api.lifecycle.listens_at(reachable_address(listeners[0]))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal to end. A second Ctrl-C cuts the shutdown short."""
        self._api.lifecycle.stopping = True
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Close the connections of clients that are too slow, from time to time."""
        if counter % SWEEP_TICKS == 0:
            self._sweep()
        return await super().on_tick(counter)

    def _sweep(self) -> None:
        self.connections.sweep(self.server_state.connections, asyncio.get_running_loop().time())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        self._api.lifecycle.stopping = True
        clock = asyncio.get_running_loop().time
        until_s = clock() + self._drain_s
        while clock() < until_s and not self.force_exit:
            await asyncio.sleep(DRAIN_POLL_S)
            self._sweep()
        self._api.hub.end_sessions()
        until_s = clock() + SOCKETS_END_S
        while self._api.hub.sockets and clock() < until_s and not self.force_exit:  # noqa: ASYNC110 - a second Ctrl-C
            await asyncio.sleep(DRAIN_POLL_S)
        await super().shutdown(sockets)
