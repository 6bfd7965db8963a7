"""The brokers of the contract tests: Redis, and brokers that speak Kafka's protocol under Faust's own driver.

A marker says where a test does not hold: `only_on_redis(why)` is a promise of our driver, `one_broker(why)` one that
shards do not keep, `fault(broker, what)` a fault of that test broker. The other tests run on each broker.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from faust_redis.driver import topics
from faust_redis.log import Log
from yarl import URL

from tests.contract.harness import SHARD, SHARDS, Broker, own_partition
from tests.kafka import brokers


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Generate a test for each broker on which it holds."""
    if "kind" not in metafunc.fixturenames:
        return
    definition = metafunc.definition
    excluded = dict(_fault(mark) for mark in definition.iter_markers("fault"))
    kinds: list[brokers.Kind] = []
    if not [_why(mark) for mark in definition.iter_markers("only_on_redis")]:
        kinds = [kind for kind in brokers.kinds() if kind not in excluded]
    if SHARDS > 1:
        kinds = []
    marks = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore::ResourceWarning")]
    metafunc.parametrize("kind", ["redis", *(pytest.param(kind, marks=marks) for kind in kinds)])


def _why(mark: pytest.Mark) -> str:
    [why] = mark.args
    return str(why)


def _fault(mark: pytest.Mark) -> tuple[str, str]:
    broker, what = mark.args
    return str(broker), str(what)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[brokers.Kind], str]]:
    """Return the ``host:port`` of a broker of a kind, started on first use."""
    with ExitStack() as stack:
        running: dict[str, str] = {}

        def start(kind: brokers.Kind) -> str:
            if kind not in running:
                running[kind] = stack.enter_context(brokers.running(kind, tmp_path_factory.mktemp(kind)))
            return running[kind]

        yield start


@pytest.fixture
def broker(kind: str, request: pytest.FixtureRequest, namespace: str, tmp_path: Path) -> Broker:
    """Return the broker under test."""
    if kind == "redis":
        url = URL(request.getfixturevalue("broker_url")).update_query(namespace=namespace)
    else:
        url = URL(f"kafka://{request.getfixturevalue('kafka')(kind)}")
    return Broker(url, tmp_path)


@pytest.fixture
async def log(broker_url: str, namespace: str) -> AsyncIterator[Log]:
    """Return a client of the log, or of the shard under test."""
    async with Log(broker_url, namespace, shard=SHARD) as client:
        yield client


@pytest.fixture(autouse=True)
def partitions_of_keys(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give keys partitions of the shard under test; skip a test that shards cannot keep."""
    if SHARDS > 1:
        for mark in request.node.iter_markers("one_broker"):
            pytest.skip(mark.args[0])
        if "log" in request.fixturenames or "broker" in request.fixturenames:
            monkeypatch.setattr(topics, "partition_for", own_partition)
