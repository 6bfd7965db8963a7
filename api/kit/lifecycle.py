"""Whether the process listens or is shutting down. Set by the server, read by probe and registration."""

from __future__ import annotations

import asyncio


class Lifecycle:
    """The state of one API process.

    Attributes:
        stopping: True from the moment when the process was asked to end.
        listening: Set once the server listens.
        address: Where the server listens (host:port); None before that.
    """

    def __init__(self) -> None:
        self.stopping = False
        self.listening = asyncio.Event()
        self.address: str | None = None

    def listens_at(self, address: str) -> None:
        """Note that the server listens at an address."""
        self.address = address
        self.listening.set()
