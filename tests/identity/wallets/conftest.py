"""An API on each database, with a Starknet node."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.config import ApiConfig
from api.identity.wallets.config import WalletConfig
from api.kit.context import Api
from tests.identity.signing_in import client_at
from tests.integration.api.support import config_of
from tests.support import starknet
from tests.support.aside import run_aside
from tests.support.starknet import Chain
from tests.support.tokens import plant_key


@pytest.fixture(scope="session")
def _node() -> Iterator[Chain]:
    with starknet.node() as chain:
        yield chain


@pytest.fixture
def chain(_node: Chain) -> Chain:
    """Return the chain of the node, without accounts."""
    _node.reset()
    return _node


@pytest.fixture
def config(broker_url: str, namespace: str, database_url: str, chain: Chain) -> ApiConfig:
    return config_for(chain, broker_url, namespace, database_url)


def config_for(chain: Chain, broker_url: str, namespace: str, database_url: str) -> ApiConfig:
    wallets = WalletConfig(origin="https://app.example.com", node_url=chain.url)
    return replace(config_of(broker_url, namespace, database_url), wallets=wallets)


@pytest.fixture
async def app(config: ApiConfig) -> AsyncIterator[FastAPI]:
    run_aside(plant_key(config.database_url))
    app = create_app(config)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def sqlite_app(broker_url: str, namespace: str, planted_url: str, chain: Chain) -> AsyncIterator[FastAPI]:
    """Return an API on SQLite, for tests that have nothing to do with the database."""
    app = create_app(config_for(chain, broker_url, namespace, planted_url))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def sqlite_api(sqlite_app: FastAPI) -> Api:
    found: Api = sqlite_app.state.api
    return found


@pytest.fixture
async def sqlite_client(sqlite_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_at(sqlite_app, "192.0.2.1") as client:
        yield client
