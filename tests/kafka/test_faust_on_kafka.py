"""Behaviour of Faust's own driver where ours promises more; docs/kafka.md describes it, so a test shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from tests.contract.harness import Broker, running, until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

INT: Any = int


async def test_a_poison_message_on_kafka_is_skipped_and_its_earlier_effects_stay(
    bootstrap: str, tmp_path: Path
) -> None:
    broker = Broker(URL(f"kafka://{bootstrap}"), tmp_path)
    app = broker.app(store="faust-redis-rocksdb://")
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    sums = app.Table("sums", default=int)

    @app.agent(topic)
    async def add(stream: Any) -> None:
        async for key, value in stream.items():
            sums[key] += value
            if value == 13:
                raise ValueError("thirteen")

    async with running(app):
        for value in (1, 13, 2, 3):
            await topic.send(key="k", value=value, partition=0)
        await until(lambda: dict(sums.items()) == {"k": 19})
