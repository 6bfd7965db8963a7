"""The feeds of the page, run by Node: one socket, server-sent events where none opens, and a return after a restart."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.config import ApiConfig
from api.server import Server
from tests.integration.api.socket_client import TABLE, progress
from tests.integration.api.support import Worker
from tests.support.page_module import NODE, page_module

__all__ = ["page_module"]

WEBSOCKET = "--experimental-websocket"  # later versions have it without
TIMEOUT_S = 20.0


def _has_websocket() -> bool:
    command = [NODE or "false", WEBSOCKET, "-e", "process.exit(typeof WebSocket === 'function' ? 0 : 1)"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not _has_websocket(), reason="needs Node 20.10 or later")


class Page:
    """The page's feeds in Node."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def until(self, wanted: Callable[[str], bool]) -> None:
        assert self.process.stdout is not None
        async with asyncio.timeout(TIMEOUT_S):
            while line := (await self.process.stdout.readline()).decode().strip():
                self.lines.append(line)
                if wanted(line):
                    return
        raise AssertionError(self.lines)


@pytest.fixture(scope="session")
def feeds_module(page_module: Callable[[str], Path]) -> Path:
    return page_module("data/feeds.ts")


@asynccontextmanager
async def page(module: Path, url: str, *mode: str) -> AsyncIterator[Page]:
    script = Path(__file__).with_name("page_feeds.mjs")
    arguments = [WEBSOCKET, "--no-warnings", str(script), str(module), url.rstrip("/"), *mode]
    process = await asyncio.create_subprocess_exec(str(NODE), *arguments, stdout=asyncio.subprocess.PIPE)
    try:
        yield Page(process)
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("mode", [(), ("sse",)])
async def test_the_page_shows_a_snapshot_and_changes_over_either_encoding(
    feeds_module: Path, server: httpx.AsyncClient, served_app: FastAPI, worker: Worker, mode: tuple[str, ...]
) -> None:
    await worker.put_user(TABLE, "alice", progress(1))
    async with page(feeds_module, str(server.base_url), *mode) as shown:
        await shown.until(lambda line: line == "live")
        assert len(served_app.state.api.hub.sockets) == (0 if mode else 1)
        await worker.put_user(TABLE, "alice", progress(2))
        await shown.until(lambda line: line == "delta 2 live")
    assert [line for line in shown.lines if line[:5] in {"fresh", "snaps"}] == ["fresh", "snapshot 1 live"]


async def test_a_tab_that_is_hidden_and_shown_follows_each_feed_once(
    feeds_module: Path, server: httpx.AsyncClient, served_app: FastAPI, worker: Worker
) -> None:
    await worker.put_user(TABLE, "alice", progress(1))
    async with page(feeds_module, str(server.base_url), "tabs") as shown:
        for _ in range(2):
            await shown.until(lambda line: line == "fresh")
        for _ in range(12):  # a line each tenth of a second: the page is shown again and again meanwhile
            await shown.until(lambda line: line == "live")
        assert len(served_app.state.api.hub.sockets) == 1
        for xp in (2, 3):
            await worker.put_user(TABLE, "alice", progress(xp))
            await shown.until(lambda line, xp=xp: line == f"delta {xp} live")  # type: ignore[misc]
    assert [line for line in shown.lines if line.startswith("delta")] == ["delta 2 live", "delta 3 live"]


async def test_the_page_resumes_after_a_restart_of_the_api(
    feeds_module: Path, config: ApiConfig, worker: Worker
) -> None:
    await worker.put_user(TABLE, "alice", progress(1))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        async def serve() -> tuple[Server, asyncio.Task[None]]:
            server = Server(create_app(config), log_config=None, access_log=False)
            return server, asyncio.create_task(server.serve([listening.dup()]))

        server, running = await serve()
        async with page(feeds_module, f"http://127.0.0.1:{listening.getsockname()[1]}") as shown:
            await shown.until(lambda line: line == "live")
            server.should_exit = True
            await running
            await shown.until(lambda line: line == "lost")
            await worker.put_user(TABLE, "alice", progress(2))
            server, running = await serve()
            await shown.until(lambda line: line == "delta 2 live")
        server.should_exit = True
        await running
    assert shown.lines.count("fresh") == 1, "it resumed, without a new snapshot"
