"""Three workers under a steady trickle, restarted and measured: the common part of `rolling` and `failover`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from faust_redis.log import Log, TopicSpec

from deploy.server.embedded import EmbeddedServer
from tests.bench.apps.spec import WorkerSpec
from tests.bench.commit_watch import Watch
from tests.bench.fleet import Fleet, fleet

NAME = "bench-pause"
TOPIC = "work"
PARTITIONS = 4
WORKERS = 3
MS = 1_000


@asynccontextmanager
async def watched(server: EmbeddedServer, lease_s: float, standbys: int) -> AsyncIterator[tuple[Fleet, Watch]]:
    """Start three workers and a watch on their commits."""
    with tempfile.TemporaryDirectory() as text:
        spec = WorkerSpec(
            app=NAME,
            url=server.url,
            namespace=NAME,
            topic=TOPIC,
            output="",
            partitions=PARTITIONS,
            kind="table",
            style="raw",
            store="faust-redis-rocksdb://",
            directory=text,
            lease_s=lease_s,
            standbys=standbys,
        )
        async with Log(server.url, NAME) as log:
            await log.create_topic(TopicSpec(TOPIC, PARTITIONS))
            async with fleet(log, spec, Path(text), WORKERS) as workers, Watch(log, NAME, TOPIC, PARTITIONS) as watch:
                await watch.moved(time.monotonic())
                yield workers, watch
