"""The API under uvicorn. A plain uvicorn server waits for open feeds to end before it tells the application to stop."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import uvicorn
from fastapi import FastAPI

GRACE_S = 5
# Named, so that a missing one is an error and not a slower server.
FAST: Mapping[str, Any] = {"loop": "uvloop", "http": "httptools"}


class Server(uvicorn.Server):
    """Ends open feeds first when it is told to stop, so that stopping takes no longer than a request."""

    def __init__(self, app: FastAPI, **settings: Any) -> None:
        super().__init__(
            uvicorn.Config(app, **{"timeout_graceful_shutdown": GRACE_S, "server_header": False, **FAST} | settings)
        )
        self._hub = app.state.api.hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        self._hub.end_sessions()
        await super().shutdown(sockets)
