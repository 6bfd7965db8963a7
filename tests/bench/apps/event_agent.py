"""The measured agents, event by event: `async for` over the stream."""

from __future__ import annotations

from typing import Any

import faust

from tests.bench.apps.events import Counted, counts, output, source
from tests.bench.apps.spec import WorkerSpec


def register(app: faust.App, spec: WorkerSpec) -> None:
    """Add the agent of the specified kind."""
    {"stateless": _look, "table": _count, "output": _count_and_send}[spec.kind](app, spec)


def _look(app: faust.App, spec: WorkerSpec) -> None:
    @app.agent(source(app, spec))
    async def look(stream: Any) -> None:
        async for order in stream:
            if order.amount < 0:
                raise ValueError(f"order {order.id} has the amount {order.amount}, expected none below 0")


def _count(app: faust.App, spec: WorkerSpec) -> None:
    table = counts(app, spec)

    @app.agent(source(app, spec))
    async def count(stream: Any) -> None:
        async for order in stream:
            table[order.key] += 1


def _count_and_send(app: faust.App, spec: WorkerSpec) -> None:
    table, out = counts(app, spec), output(app, spec)

    @app.agent(source(app, spec))
    async def count_and_send(stream: Any) -> None:
        async for order in stream:
            table[order.key] = number = table[order.key] + 1
            await out.send(key=order.key, value=Counted(order.id, order.key, number))
