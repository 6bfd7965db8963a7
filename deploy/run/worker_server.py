"""Serve `/livez`, `/readyz` and `/metrics` of a worker process or the relay.

A worker serves them from its main thread, which runs no domain. So it answers while a domain blocks its event loop.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Protocol

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.errors import SettingsError
from streams.process_metrics import MAIN, ProcessMetrics, watch_loop

OK, UNAVAILABLE = 200, 503
BACKLOG: Final = 64


class Probes(Protocol):
    """Judges whether a process lives and is ready. Each answer comes with details for a person."""

    async def live(self) -> tuple[bool, dict[str, Any]]:
        """Return whether the process lives."""

    async def ready(self) -> tuple[bool, dict[str, Any]]:
        """Return whether the process does its work."""


class _Server(uvicorn.Server):
    """A server that leaves signals to the worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int, setting: str = "ASTRA_WORKER_PORT") -> socket.socket:
    """Return a socket that listens on a port of this process's own; port 0 takes a free one.

    Raises:
        SettingsError: the address cannot be had.
    """
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as exc:
        raise SettingsError(
            f"{setting}={port} on {host} cannot be used: {exc.strerror}. Each process on a machine needs a port "
            "of its own; 0 takes a free one."
        ) from exc


def application(health: Probes, metrics: Callable[[], bytes]) -> Starlette:
    """Return the ASGI application."""

    def answer(
        report: Callable[[], Awaitable[tuple[bool, dict[str, Any]]]],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def respond(_: Request) -> Response:
            good, body = await report()
            return JSONResponse(body, OK if good else UNAVAILABLE)

        return respond

    async def scrape(_: Request) -> Response:
        return Response(metrics(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/livez", answer(health.live)),
            Route("/readyz", answer(health.ready)),
            Route("/metrics", scrape),
        ]
    )


@asynccontextmanager
async def serving(listener: socket.socket, app: Starlette, metrics: ProcessMetrics) -> AsyncIterator[None]:
    """Serve, and measure the delay of the event loop, while the block runs."""
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    watching = asyncio.create_task(watch_loop(metrics.of_loop(MAIN)))
    try:
        yield
    finally:
        watching.cancel()
        server.should_exit = True
        await task
