"""Fixtures for all tests: one real embedded broker a session, a namespace of its own for each test."""

from __future__ import annotations

import gc
import secrets
import warnings
from collections.abc import AsyncIterator, Generator, Iterator

import hypothesis
import pytest
from faust_redis.log import Log

from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary

# Time limits on examples would make a busy machine fail tests that are right.
hypothesis.settings.register_profile("steady", deadline=None)
hypothesis.settings.load_profile("steady")


@pytest.fixture(scope="session")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real server, started for this session in a temporary directory."""
    with EmbeddedServer(tmp_path_factory.mktemp("broker"), find_binary()) as server:
        yield server.url


@pytest.fixture
def namespace() -> str:
    """A namespace no other test uses."""
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
async def log(broker_url: str, namespace: str) -> AsyncIterator[Log]:
    """The log's client on the session's broker."""
    async with Log(broker_url, namespace) as client:
        yield client


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Faust's own Kafka driver leaves connections to the garbage collector: here, not in whatever test comes later."""
    yield
    if item.get_closest_marker("kafka"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
