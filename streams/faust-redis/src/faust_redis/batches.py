"""Batch agents: they receive the records of one partition together, as many as there are.

    @batch_agent(app, app.topic("clicks", value_type=Click))
    async def count(batch: Batch[Click]) -> None:
        for click in batch:
            totals[click.key] += 1

Tables and topics are used as in any agent. What a batch does is one unit of the commit: all of it, with the offsets of
its records, or nothing. When it raises, all it did is taken back and its records come again one at a time, so that only
one that fails alone is retried or becomes a dead letter: a handler must keep nothing outside of tables.

A batch is one record where another agent reads the topic, too, and on Kafka.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import faust
from faust.types import AgentT, StreamT, TopicT

from faust_redis.driver.delivery.batches import Batch, Received
from faust_redis.driver.faust_api.stream import Stream
from faust_redis.driver.limits import COMMIT_US_MAX

__all__ = ["BATCH_RECORDS_MAX", "Batch", "Handler", "Received", "batch_agent"]

T = TypeVar("T")
Handler = Callable[[Batch[T]], Awaitable[None]]

BATCH_RECORDS_MAX = 500
"""Records in one batch, unless the agent says otherwise."""


def batch_agent(
    app: faust.App,
    topic: TopicT,
    *,
    name: str | None = None,
    records_max: int = BATCH_RECORDS_MAX,
    commit_us_max: int = COMMIT_US_MAX,
    **options: Any,
) -> Callable[[Handler[T]], AgentT[Any]]:
    """Make a function an agent that is given batches of a topic's records.

    Args:
        app: The Faust app.
        topic: What to read. The types of keys and values are the topic's.
        name: The agent's name; the function's when None.
        records_max: Records in one batch at most.
        commit_us_max: Microseconds for which the commit of a batch may block the server: batches are no larger than
            that allows, as those before them let expect.
        options: As for Faust's `app.agent`.

    Raises:
        ValueError: `records_max` is not positive.
    """
    if records_max < 1:
        raise ValueError(f"a batch has at least one record, not {records_max}")

    def make(handle: Handler[T]) -> AgentT[Any]:
        async def agent(stream: StreamT[Any]) -> None:
            async for batch in _batches(stream, records_max, commit_us_max):
                try:
                    await handle(batch)
                except Exception as exc:
                    if not batch.split(exc):
                        raise

        agent.__doc__, agent.__module__ = handle.__doc__, handle.__module__
        agent.__name__ = agent.__qualname__ = getattr(handle, "__name__", "agent")
        return app.agent(topic, name=name, **options)(agent)

    return make


async def _batches(stream: StreamT[Any], records_max: int, commit_us_max: int) -> AsyncIterator[Batch[Any]]:
    if isinstance(stream, Stream):
        async for batch in stream.batches(records_max, commit_us_max):
            yield batch
    else:
        async for event in stream.events():
            yield Batch([Received.of(event)], event.message)
