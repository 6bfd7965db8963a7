"""A Kafka for each test: the one that a person named, else the first test broker without a fault that would matter."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from faust_redis.log import Log

from tests.kafka import brokers
from tests.kafka.pipeline import delete_our_topics, our_topics
from tests.kafka.world import World


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> brokers.Kind:
    """Return the kind of broker; slow tests, and tests that no test broker supports, run on Apache Kafka alone."""
    if not brokers.named() and (mark := request.node.get_closest_marker("gate")):
        pytest.skip(f"takes {mark.args[0]}; runs by python -m tests.kafka")
    faults = {mark.args[0]: mark.args[1] for mark in request.node.iter_markers("fault")}
    for kind in brokers.kinds():
        if kind not in faults:
            return kind
    why = ", ".join(f"{kind}: {what}" for kind, what in faults.items())
    pytest.skip(f"runs on Apache Kafka alone, by python -m tests.kafka ({why})")


@pytest.fixture
def bootstrap(kind: brokers.Kind, tmp_path: Path) -> Iterator[str]:
    """Return ``host:port`` of a broker with no topics of the product on it."""
    with brokers.running(kind, tmp_path) as address:
        found = asyncio.run(our_topics(address))
        assert not found, f"the broker at {address} has topics of ours already, {found[:3]}: name one without"
        yield address
        if kind == "kafka":
            asyncio.run(delete_our_topics(address))


@pytest.fixture
def world(log: Log, bootstrap: str) -> World:
    """Return topics of this test, between that Kafka and a log of its own."""
    return World(log, bootstrap)
