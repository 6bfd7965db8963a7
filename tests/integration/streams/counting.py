"""A Faust application for fault tests, in its own process: it counts records by key and sends each count on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import faust
from yarl import URL

from tests.integration.streams.block import BLOCK, block

app = faust.App(
    os.environ["COUNTING_APP"],
    broker=[URL(os.environ["COUNTING_BROKER"])],
    store="faust-redis-rocksdb://",
    datadir=os.environ["COUNTING_DATA"],
    topic_partitions=4,
    topic_disable_leader=True,
    table_standby_replicas=int(os.environ.get("COUNTING_STANDBYS", "0")),
    reply_create_topic=False,
    web_enabled=False,
    broker_session_timeout=2.0,
    broker_heartbeat_interval=0.4,
    broker_rebalance_timeout=float(os.environ.get("COUNTING_REBALANCE_S", "10")),
)
source = app.topic("in", key_serializer="raw", value_serializer="raw")
out = app.topic("out", key_serializer="raw", value_serializer="raw")
counts = app.Table("counts", key_type=bytes, value_type=bytes)


@app.agent(source)
async def count(stream: Any) -> None:
    async for event in stream.events():
        if event.key == BLOCK:
            block(Path(event.value.decode()))
            continue
        number = int(counts.get(event.key) or b"0") + 1
        counts[event.key] = str(number).encode()
        await out.send(key=event.key, value=str(number).encode(), partition=event.message.partition)
