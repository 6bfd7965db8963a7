"""The measured agents, batch by batch: the records of one partition together."""

from __future__ import annotations

from collections import Counter

import faust
import msgspec
from faust_redis.batches import Batch, batch_agent

from tests.bench.apps.events import Counted, Order, counts, output, source
from tests.bench.apps.spec import WorkerSpec


def register(app: faust.App, spec: WorkerSpec) -> None:
    """Add the agent of the specified kind."""
    {"stateless": _look, "table": _count, "output": _count_and_send}[spec.kind](app, spec)


def _look(app: faust.App, spec: WorkerSpec) -> None:
    @batch_agent(app, source(app, spec))
    async def look(batch: Batch[Order]) -> None:
        for order in batch.values:
            if order.amount < 0:
                raise ValueError(f"order {order.id} has the amount {order.amount}, expected none below 0")


def _count(app: faust.App, spec: WorkerSpec) -> None:
    table = counts(app, spec)

    @batch_agent(app, source(app, spec))
    async def count(batch: Batch[Order]) -> None:
        for key, times in Counter(order.key for order in batch.values).items():
            table[key] += times


def _count_and_send(app: faust.App, spec: WorkerSpec) -> None:
    table, out = counts(app, spec), output(app, spec)

    @batch_agent(app, source(app, spec))
    async def count_and_send(batch: Batch[Order]) -> None:
        for record in batch:
            order = record.value
            table[order.key] = number = table[order.key] + 1
            counted = Counted(order.id, order.key, number)
            batch.send(
                out, key=order.key.encode(), value=msgspec.json.encode(counted), timestamp_ms=record.timestamp_ms
            )
