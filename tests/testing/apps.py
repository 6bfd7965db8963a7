"""Small apps for the tests of the simulator: one that is correct, and some with a bug that only faults reveal."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from random import Random
from typing import Any

import faust
from faust_redis import TransientError, batch_agent, consume_in_append_order

data: list[Path] = []
"""The directory of the apps: Faust creates it even when the tables are on a simulated disk."""


def _app(store: str = "faust-redis-rocksdb://") -> Any:
    where: Any = {"datadir": data[-1]} if data else {}
    return faust.App("words", broker="redis://unused", store=store, topic_partitions=2, **where)


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


def shared_rows(store: str = "faust-redis-rocksdb://", *, records_max: int = 0) -> Any:
    """Have two agents write the same rows, with pauses between reading and writing, after an agent that fans out.

    `words` goes to `spread`, which sends up to three records each to `parts`. Agents of `parts` and `notes` both count
    in `sums`. They receive batches when `records_max` is positive. The agent of `notes` fails at times and is retried.
    """
    app = _app(store)
    totals = app.Table("totals", default=int, key_type=str, value_type=int)
    sums = app.Table("sums", default=int, key_type=str, value_type=int)
    # A windowed table takes Faust's own path to the store, not the driver's fast one.
    latest = app.Table("latest", key_type=str, value_type=str).tumbling(24 * 3600)
    words, parts, notes = (app.topic(name, key_type=str, value_type=str) for name in ("words", "parts", "notes"))
    counts, shared = (app.topic(name, key_type=str, value_type=str) for name in ("counts", "shared"))
    failures: Counter[str] = Counter()

    def share(key: str, value: str) -> None:
        sums[key] += 1
        # No await between both: while this agent waited for capacity, the other one could count on and send first.
        shown, record = f"{sums[key]}:{value}", IN_BATCH.get()
        if record is None:
            shared.send_soon(key=key, value=shown)
        else:
            batch, timestamp_ms = record
            batch.send(shared, key=key.encode(), value=json.dumps(shown).encode(), timestamp_ms=timestamp_ms)

    async def spread(key: str, value: str) -> None:
        for part in parts_of(value):
            await parts.send(key=key, value=part)
            await dawdle()

    async def count(key: str, value: str) -> None:
        totals[key] += 1
        await counts.send(key=key, value=f"{totals[key]}:{value}")
        await dawdle()
        latest[key] = value
        share(key, value)
        await dawdle()

    async def note(key: str, value: str) -> None:
        share(key, value)
        await dawdle()
        if failures[value] < 2 and random.random() < 0.2:
            failures[value] += 1
            raise TransientError("a bad day")
        await dawdle()

    handle(app, words, spread, concurrency=2)
    handle(app, parts, count, records_max)
    handle(app, notes, note, records_max)
    return app


def in_append_order(*, records_max: int = 0) -> Any:
    """Have the agents of two topics send what they receive to `steps`, in append order; notes fail at times."""
    app = _app()
    consume_in_append_order(app)
    words, notes, steps = (app.topic(name, key_type=str, value_type=str) for name in ("words", "notes", "steps"))
    failures: Counter[str] = Counter()

    async def word(key: str, value: str) -> None:
        await dawdle()
        await steps.send(key=key, value=value)

    async def note(key: str, value: str) -> None:
        await dawdle()
        if failures[value] < 2 and random.random() < 0.2:
            failures[value] += 1
            raise TransientError("a bad day")
        await steps.send(key=key, value=value)

    handle(app, words, word, records_max)
    handle(app, notes, note, records_max)
    return app


IN_BATCH: ContextVar[tuple[Any, int] | None] = ContextVar("IN_BATCH", default=None)
"""The batch that the current agent works on, with the time of its record."""


async def dawdle() -> None:
    """Take some time: mostly little or none, rarely longer than a rebalance waits."""
    chance = random.random()
    if chance < 0.01:
        await asyncio.sleep(random.uniform(0.5, 3.0))
    elif chance < 0.4:
        await asyncio.sleep(random.uniform(0.001, 0.05))


def handle(
    app: Any, topic: Any, work: Callable[[str, Any], Awaitable[None]], records_max: int = 0, **options: Any
) -> None:
    """Have an agent do some work for each record of a topic; in batches when `records_max` is positive."""

    async def each(stream: Any) -> None:
        async for key, value in stream.items():
            await dawdle()
            await work(key, value)

    async def together(batch: Any) -> None:
        for record in batch:
            await dawdle()
            IN_BATCH.set((batch, record.timestamp_ms))
            await work(record.key, record.value)

    if records_max:
        batch_agent(app, topic, name=work.__name__, records_max=records_max)(together)
    else:
        app.agent(topic, name=work.__name__, **options)(each)


def parts_of(word: str) -> list[str]:
    """Return the parts that `shared_rows` sends on for a word: none to three."""
    return [f"{word}.{part}" for part in range(int(word) % 4)]


def words_and_notes(rng: Random) -> list[tuple[str, str, str]]:
    """Draw words and notes, each with a value of its own."""
    topics = [rng.choice(("words", "words", "notes")) for _ in range(rng.randint(6, 28))]
    return [(topic, rng.choice("abcd"), str(number)) for number, topic in enumerate(topics)]
