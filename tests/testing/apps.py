"""Small apps for the tests of the simulator: one that is correct, and some with a bug that only faults reveal."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import faust


def _app(store: str = "faust-redis-rocksdb://") -> Any:
    return faust.App("words", broker="redis://unused", store=store, topic_partitions=2)


def word_count(store: str = "faust-redis-rocksdb://") -> Any:
    """Count words in a table, and send each count on."""
    app = _app(store)
    totals = app.Table("totals", default=int, key_type=str, value_type=int)
    counts = app.topic("counts", key_type=str, value_type=int)

    @app.agent(app.topic("words", key_type=str, value_type=str))
    async def count(stream: Any) -> None:
        async for key, _ in stream.items():  # noqa: PERF102 - a stream has no keys()
            totals[key] += 1
            await counts.send(key=key, value=totals[key])

    return app


def count_in_a_variable() -> Any:
    """Keep the count in a Python variable: a crash and a rebalance lose it."""
    app = _app()
    totals: dict[str, int] = {}
    counts = app.topic("counts", key_type=str, value_type=int)

    @app.agent(app.topic("words", key_type=str, value_type=str))
    async def count(stream: Any) -> None:
        async for key, _ in stream.items():  # noqa: PERF102 - a stream has no keys()
            totals[key] = totals.get(key, 0) + 1
            await counts.send(key=key, value=totals[key])

    return app


def send_outside_of_the_event() -> Any:
    """Send from a task that outlives the event: the record is not a part of the event's commit."""
    app = _app()
    totals = app.Table("totals", default=int, key_type=str, value_type=int)
    counts = app.topic("counts", key_type=str, value_type=int)
    sending: set[Any] = set()

    async def send(key: str, value: int) -> None:
        await asyncio.sleep(0.05)
        await counts.send(key=key, value=value)

    @app.agent(app.topic("words", key_type=str, value_type=str))
    async def count(stream: Any) -> None:
        async for key, _ in stream.items():  # noqa: PERF102 - a stream has no keys()
            totals[key] += 1
            task = asyncio.create_task(send(key, totals[key]))
            sending.add(task)
            task.add_done_callback(sending.discard)

    return app


def words(rng: Random) -> list[tuple[str, str, str]]:
    """Draw some words."""
    return [("words", rng.choice("abcd"), "x") for _ in range(rng.randint(5, 25))]
