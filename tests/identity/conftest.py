"""An API on each database, with cheap hashes of passwords."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.identity import passwords
from api.kit.context import Api
from tests.identity.signing_in import CHEAP, client_at
from tests.integration.api.support import Worker, config_of
from tests.support.aside import run_aside
from tests.support.tokens import plant_key


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests need no costly hash."""
    monkeypatch.setattr(passwords.Passwords.__init__, "__defaults__", (CHEAP,))


@pytest.fixture
async def app(broker_url: str, namespace: str, database_url: str) -> AsyncIterator[FastAPI]:
    run_aside(plant_key(database_url))
    app = create_app(config_of(broker_url, namespace, database_url))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def api(app: FastAPI) -> Api:
    found: Api = app.state.api
    return found


@pytest.fixture
async def topics(api: Api) -> None:
    """Create the topics, so that commands are written and tables are read."""
    await Worker(api.log, api.config.app_id).create_topics()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_at(app, "192.0.2.1") as client:
        yield client
