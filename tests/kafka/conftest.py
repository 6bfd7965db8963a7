"""A Kafka for each test of the whole pipeline, with nothing of ours on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka import brokers
from tests.kafka.pipeline import delete_our_topics, our_topics


@pytest.fixture
def bootstrap(tmp_path: Path) -> Iterator[str]:
    """``host:port`` of a broker that is a test's own: Tansu in memory, or the one that a person named."""
    kind: brokers.Kind = "kafka" if brokers.named() else "tansu"
    with brokers.running(kind, tmp_path) as address:
        found = asyncio.run(our_topics(address))
        assert not found, f"the broker at {address} has topics of ours already, {found[:3]}: name one without"
        yield address
        if kind == "kafka":
            asyncio.run(delete_our_topics(address))
