"""An API on a real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from faust_redis.log import Log

from api.app import create_app
from api.config import ApiConfig
from api.identity.passwords import Argon2Parameters, Passwords
from tests.integration.api.sse import serving
from tests.integration.api.support import Worker, config_of


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each API without the costly hash that hides which accounts exist: these tests check no password."""
    cheap = Argon2Parameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(Passwords.__init__, "__defaults__", (cheap,))


@pytest.fixture
def config(broker_url: str, namespace: str, planted_url: str) -> ApiConfig:
    return config_of(broker_url, namespace, planted_url)


@pytest.fixture
async def worker(log: Log, config: ApiConfig) -> Worker:
    worker = Worker(log, config.app_id)
    await worker.create_topics()
    return worker


@pytest.fixture
async def app(config: ApiConfig) -> AsyncIterator[FastAPI]:
    app = create_app(config)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def served_app(config: ApiConfig) -> FastAPI:
    """Return an application that is not started; `server` starts one."""
    return create_app(config)


@pytest.fixture
async def server(served_app: FastAPI, worker: Worker) -> AsyncIterator[httpx.AsyncClient]:
    """Run the API on a real port, for tests that cut streams off: an in-process transport cannot."""
    async with serving(served_app) as (url, _), httpx.AsyncClient(base_url=url, verify=False, timeout=60) as client:
        yield client


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client
