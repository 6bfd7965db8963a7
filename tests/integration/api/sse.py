"""A client of server-sent events for tests, and a server on a free port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from fastapi import FastAPI

from api.server import Server

EVENT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0  # A feed without changes still sends marks.


@dataclass
class Event:
    """One event."""

    name: str
    data: Any
    id: str | None

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.data["rows"]
        return rows


@asynccontextmanager
async def serving(app: FastAPI, **settings: Any) -> AsyncIterator[tuple[str, Server]]:
    """Run the application under the project's server; yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(app, log_config=None, access_log=False, **settings)
        running = asyncio.create_task(server.serve([listening]))
        while not server.started:
            assert not running.done(), "the server did not start"
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", server
        finally:
            server.should_exit = True
            await running


async def events(
    client: httpx.AsyncClient, path: str, *, last_id: str | None = None, **options: Any
) -> AsyncGenerator[Event]:
    """Yield the events of one connection."""
    headers = {**options.pop("headers", {}), **({} if last_id is None else {"Last-Event-ID": last_id})}
    async with client.stream("GET", path, headers=headers, params=options, timeout=EVENT_TIMEOUT_S) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        found: dict[str, str] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(":")
            if line and name:
                found[name] = value.removeprefix(" ")
            elif not line and "data" in found:
                yield Event(found["event"], orjson.loads(found["data"]), found.get("id"))
                found = {}


@dataclass
class Reader:
    """A feed as a client keeps it, across connections."""

    client: httpx.AsyncClient
    path: str
    options: dict[str, Any] = field(default_factory=dict)
    key: str = "user_id"
    last_id: str | None = None
    table: dict[str, dict[str, Any]] = field(default_factory=dict)
    received: list[dict[str, Any]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    resyncs: list[str] = field(default_factory=list)
    current: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, until: Any, *, at_most: int | None = None) -> None:
        """Connect and take events until the condition holds or a maximum is reached; disconnect."""
        stream = events(self.client, self.path, last_id=self.last_id, **self.options)
        if self.last_id is None:  # a new snapshot follows; the last connection may have ended in the middle of one
            self.table.clear()
        async with asyncio.timeout(READ_TIMEOUT_S), aclosing(stream):
            count = 0
            while not until(self) and count != at_most:
                self.take(await anext(stream))
                count += 1

    def take(self, event: Event) -> None:
        self.names.append(event.name)
        if event.name == "resync":
            self.resyncs.append(event.data["why"])
        if event.name == "resync" or (event.name == "snapshot" and self.names[-2:-1] not in (["snapshot"], [])):
            self.table.clear()
        if event.name in {"snapshot", "delta"}:
            if event.data.get("complete"):
                self.table.clear()
            for row in event.rows:
                self.table[row[self.key]] = row
                self.received.append(row)
            for gone in event.data.get("removed", ()):
                self.table.pop(gone, None)
        if event.id is not None:
            self.last_id = event.id or None
            self.current.set()
