"""Fixtures for all tests: one real embedded broker for each test process, one namespace for each test."""

from __future__ import annotations

import gc
import logging
import secrets
import warnings
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from faust_redis.log import Log

from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tests import hanging, leftovers, selection
from tests.support import forked

pytest_plugins = ("faust_redis.testing.plugin", "tests.support.databases")

# Time limits on examples would fail correct tests on a busy machine.
hypothesis.settings.register_profile("steady", deadline=None)
# Examples find faults of our rules, which are the same on every Python.
hypothesis.settings.register_profile("on each Python", deadline=None, max_examples=15)
hypothesis.settings.load_profile("steady")


YOUNG_OBJECTS_MAX = 50_000
"""With Python's own threshold, collections are a third of the time in which pytest imports the tests."""


LEFT_OPEN_BY_AIOKAFKA = ("Unclosed AIOKafkaConnection", "unclosed transport", "unclosed <socket", "loop is closed")
"""aiokafka leaves a connection open when it is cancelled while it connects. Tests on Kafka do not warn of that."""


def pytest_addoption(parser: pytest.Parser) -> None:
    selection.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    gc.set_threshold(YOUNG_OBJECTS_MAX, 10, 10)
    if config.getoption("--on-each-python"):
        hypothesis.settings.load_profile("on each Python")
    leftovers.watch(config)
    hanging.watch(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return selection.is_left_out(collection_path, config) or None  # None leaves it to the other plugins


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    selection.arrange(config, items)
    for item in items:
        if item.get_closest_marker("kafka"):
            for message in LEFT_OPEN_BY_AIOKAFKA:
                item.add_marker(pytest.mark.filterwarnings(f"ignore:{message}:ResourceWarning"))


def pytest_collection_finish() -> None:
    """Exclude all imported objects from garbage collection: tests take a quarter less CPU."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    forked.stop_server()


@pytest.fixture(scope="session")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a real server that the tests of this process share."""
    with EmbeddedServer(tmp_path_factory.mktemp("broker"), find_binary()) as server:
        yield server.url


@pytest.fixture
def namespace() -> str:
    """Return a namespace that no other test uses."""
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
async def log(broker_url: str, namespace: str) -> AsyncIterator[Log]:
    """Return a client of the log on the shared server."""
    async with Log(broker_url, namespace) as client:
        yield client


@pytest.fixture(autouse=True)
def log_handlers() -> Iterator[None]:
    """Remove the log handlers that a command adds in this process: their stream closes when the test ends."""
    before, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = before
    logging.root.setLevel(level)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Collect the connections that aiokafka leaves open, so that a later test does not warn of them."""
    yield
    if item.get_closest_marker("kafka"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Let a test define and remove event classes; restore the catalogue afterwards."""
    from streams.events import CATALOGUE, codec

    known = dict(CATALOGUE)
    monkeypatch.setattr(codec, "_READERS", codec._Readers())
    yield CATALOGUE
    CATALOGUE.clear()
    CATALOGUE.update(known)
